#pragma once
// Words by a regular expression, through PCRE2. Empty unless MIDTRAIN_WITH_PCRE2 is defined.
#ifdef MIDTRAIN_WITH_PCRE2
#ifndef PCRE2_CODE_UNIT_WIDTH
#define PCRE2_CODE_UNIT_WIDTH 8
#endif
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <pcre2.h>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::data::detail {

/// Where the words end that a pattern cuts: each match is a word, and so is what lies between two matches. Bytes that are not UTF-8
/// match nothing. Constant after construction; each thread brings its own `state`.
class pcre2_split {
  public:
    explicit pcre2_split(std::string pattern) : pattern_(std::move(pattern)), code_(compiled(with_white_space(pattern_))) {}
    pcre2_split(pcre2_split const& other) : pcre2_split(other.pattern_) {}
    pcre2_split(pcre2_split&&) noexcept = default;
    pcre2_split& operator=(pcre2_split other) noexcept {
        pattern_.swap(other.pattern_);
        code_.swap(other.code_);
        return *this;
    }

    /// A walk over one text.
    class walk {
      public:
        walk(pcre2_split const& by, std::string_view text)
            : code_(by.code_.get()), text_(text), match_(pcre2_match_data_create_from_pattern_8(code_, nullptr)) {
            find(0);
        }
        /// The end of the word that begins at `at`, the end of the word before.
        std::size_t next(std::size_t at) {
            if (at >= end_) find(at);
            return at < begin_ ? begin_ : end_;
        }

      private:
        void find(std::size_t from) {
            begin_ = end_ = text_.size();
            auto const n  = pcre2_match_8(code_, reinterpret_cast<PCRE2_SPTR8>(text_.data()), text_.size(), from, PCRE2_NOTEMPTY,
                                          match_.get(), nullptr);
            if (n == PCRE2_ERROR_NOMATCH) return;
            check(n > 0, [&] { return "the pattern that cuts words gives up with PCRE2's error " + std::to_string(n); });
            auto const at = pcre2_get_ovector_pointer_8(match_.get());
            begin_ = at[0], end_ = at[1];
        }
        struct closed {
            void operator()(pcre2_match_data_8* m) const { pcre2_match_data_free_8(m); }
        };
        pcre2_code_8*                               code_;
        std::string_view                            text_;
        std::unique_ptr<pcre2_match_data_8, closed> match_;
        std::size_t                                 begin_ = 0, end_ = 0;
    };

  private:
    struct closed {
        void operator()(pcre2_code_8* c) const { pcre2_code_free_8(c); }
    };
    using code = std::unique_ptr<pcre2_code_8, closed>;

    /// \s as Oniguruma and llama.cpp have it, Unicode's White_Space: PCRE2's own also takes U+180E.
    static std::string with_white_space(std::string const& p) {
        std::string s;
        for (std::size_t i = 0; i < p.size(); ++i) {
            bool const escape = p[i] == '\\' && i + 1 < p.size();
            if (escape && p[i + 1] == 's') s += "\\p{White_Space}", ++i;
            else if (escape && p[i + 1] == 'S') s += "\\P{White_Space}", ++i;
            else if (escape) (s += p[i]) += p[i + 1], ++i;
            else s += p[i];
        }
        return s;
    }
    static code compiled(std::string const& pattern) {
        int         why = 0;
        PCRE2_SIZE  at  = 0;
        code        made(pcre2_compile_8(reinterpret_cast<PCRE2_SPTR8>(pattern.data()), pattern.size(),
                                         PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF, &why, &at, nullptr));
        check(made != nullptr, [&] {
            PCRE2_UCHAR8 text[128] = {};
            pcre2_get_error_message_8(why, text, sizeof text);
            return "the pattern that cuts words is not understood: " + std::string(reinterpret_cast<char const*>(text)) + ", at byte " +
                   std::to_string(at);
        });
        pcre2_jit_compile_8(made.get(), PCRE2_JIT_COMPLETE);  // where there is none, matching is only slower
        return made;
    }

    std::string pattern_;
    code        code_;
};

}  // namespace midtrain::inline MT_ABI::data::detail
#endif
