#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>
#include <midtrain/core/checksum.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/data/merged_word.hpp>
#include <midtrain/data/normal_form.hpp>
#include <midtrain/data/pcre2_split.hpp>
#include <midtrain/data/word_split.hpp>

namespace midtrain::inline MT_ABI::data {

/// What a byte-level tokenizer is made of. Tokens are spelled as files spell them, each byte as one visible character.
struct bpe_parts {
    struct added_token {
        std::int32_t id;
        bool         special;  ///< control tokens, as against words that somebody added
    };

    std::vector<std::string>                         tokens;  ///< by id
    std::vector<std::pair<std::string, std::string>> merges;  ///< the first is done first
    std::vector<added_token>                         added;   ///< in `tokens` as plain text; found in a text before all else
    bool single_digits = false;                               ///< each number stands alone before the pattern cuts words
    bool whole_words_first = false;                           ///< a word that is a token is that, whatever the merges (`ignore_merges`)
    bool composed = false;                                    ///< what lies between added tokens becomes normal form C first (Qwen 2)
    std::string pattern = {};                                 ///< cuts words, through PCRE2; empty: GPT-2's, which needs no library
};

namespace detail {

/// GPT-2's visible character for each byte (bytes_to_unicode): printable Latin-1 as it is, the rest from U+0100 on.
struct byte_spelling {
    std::array<std::uint16_t, 256> code{};
    std::array<std::int16_t, 512>  byte{};

    constexpr byte_spelling() {
        byte.fill(-1);
        for (int b = 0, next = 256; b < 256; ++b) {
            bool const visible = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b != 0xad);
            auto const c       = static_cast<std::uint16_t>(visible ? b : next++);
            code[static_cast<std::size_t>(b)] = c;
            byte[c]                           = static_cast<std::int16_t>(b);
        }
    }
    std::string spelled(std::uint8_t b) const {
        auto const c = code[b];
        if (c < 0x80) return {static_cast<char>(c)};
        return {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    }
    /// The bytes that a token stands for; false if it has a character that stands for none.
    bool read(std::string_view token, std::string& bytes) const {
        for (std::size_t i = 0; i < token.size(); ++i) {
            unsigned c = static_cast<std::uint8_t>(token[i]);
            if (c >= 0x80) {
                if (c < 0xc2 || c >= 0xc8 || ++i == token.size() || (token[i] & 0xc0) != 0x80) return false;
                c = (c & 31) << 6 | (token[i] & 63u);
            }
            if (byte[c] < 0) return false;
            bytes += static_cast<char>(byte[c]);
        }
        return true;
    }
};
inline constexpr byte_spelling byte_spellings{};

}  // namespace detail

/// Byte-level byte-pair encoding (GPT-2 and its heirs): added tokens are found first, what lies between is cut into words, and in each
/// word the two neighbours whose merge was learnt earliest become one until none are left. Any bytes may be encoded, UTF-8 or not.
/// A byte for which the vocabulary has no token vanishes, as it does in Hugging Face's tokenizers; missing_bytes() tells which.
/// Constant after construction: threads share one.
class byte_level_bpe {
  public:
    explicit byte_level_bpe(bpe_parts parts) : parts_(std::move(parts)), merges_(parts_.merges.size()) {
        read_pattern();
        check(parts_.tokens.size() < std::numeric_limits<std::int32_t>::max(), "a vocabulary has too many tokens");
        for (std::size_t i = 0; i < parts_.tokens.size(); ++i)
            check(ids_.emplace(parts_.tokens[i], static_cast<std::int32_t>(i)).second,
                  [&] { return "token '" + parts_.tokens[i] + "' stands twice in the vocabulary"; });
        read_added();
        read_bytes();
        read_merges();
        find_whole_words();
        hash_ = hash_of(parts_);
    }

    std::vector<std::int32_t> encode(std::string_view text) const {
        std::vector<std::int32_t> to;
        detail::merged_word       word;
        for (std::size_t at = 0; at < text.size();) {
            auto const [begin, id] = next_added(text, at);
            auto const plain = text.substr(at, begin - at);
            if (parts_.composed) encode_plain(normal_form_c(plain), word, to);
            else encode_plain(plain, word, to);
            if (id >= 0) to.push_back(id);
            at = begin + (id >= 0 ? parts_.tokens[static_cast<std::size_t>(id)].size() : 0);
        }
        return to;
    }
    std::string decode(std::span<std::int32_t const> ids) const {
        std::string text;
        for (auto id : ids) {
            check(id >= 0 && static_cast<std::size_t>(id) < size(),
                  [&] { return "token " + std::to_string(id) + " is not in the vocabulary"; });
            text += bytes_[static_cast<std::size_t>(id)];
        }
        return text;
    }
    /// What a token of the vocabulary stands for.
    std::string_view bytes(std::int32_t id) const { return bytes_[static_cast<std::size_t>(id)]; }

    /// The id of a token as the vocabulary spells it, or -1.
    std::int32_t id(std::string_view token) const {
        auto const at = ids_.find(token);
        return at == ids_.end() ? -1 : at->second;
    }
    std::size_t      size() const { return parts_.tokens.size(); }
    bpe_parts const& parts() const { return parts_; }

    /// Equal for two tokenizers if and only if vocabulary, merges, added tokens and the cutting of words are (up to 64 bits of luck).
    std::uint64_t hash() const { return hash_; }

    /// The bytes that no token stands for.
    std::vector<std::uint8_t> missing_bytes() const {
        std::vector<std::uint8_t> all;
        for (int b = 0; b < 256; ++b)
            if (byte_ids_[static_cast<std::size_t>(b)] < 0) all.push_back(static_cast<std::uint8_t>(b));
        return all;
    }

  private:
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
    };
    struct found {
        std::size_t  at;
        std::int32_t id;
    };

    /// The first added token from `at` on, the longest where several begin; or the end of the text and -1.
    found next_added(std::string_view text, std::size_t at) const {
        for (; at < text.size(); ++at)
            for (auto id : added_[static_cast<std::uint8_t>(text[at])])
                if (text.substr(at).starts_with(parts_.tokens[static_cast<std::size_t>(id)])) return {at, id};
        return {at, -1};
    }
    void encode_plain(std::string_view text, detail::merged_word& word, std::vector<std::int32_t>& to) const {
#ifdef MIDTRAIN_WITH_PCRE2
        if (pattern_) {
            detail::pcre2_split::walk walk(*pattern_, text);
            return encode_words(text, [&](std::size_t at) { return walk.next(at); }, word, to);
        }
#endif
        encode_words(text, [&](std::size_t at) { return word_end(text, at, parts_.single_digits); }, word, to);
    }
    template <class End>
    void encode_words(std::string_view text, End const& end_of, detail::merged_word& word, std::vector<std::int32_t>& to) const {
        for (std::size_t at = 0; at < text.size();) {
            std::size_t const end   = end_of(at);
            auto const        whole = whole_words_.find(text.substr(at, end - at));
            if (whole != whole_words_.end()) to.push_back(whole->second);
            else merge(text.substr(at, end - at), word, to);
            at = end;
        }
    }
    void read_pattern() {
        if (parts_.pattern.empty()) return;
        check(!parts_.single_digits, "a pattern of its own and digits that stand alone are not known together");
#ifdef MIDTRAIN_WITH_PCRE2
        pattern_.emplace(parts_.pattern);
#else
        throw error("cuts words by a pattern of its own, and this program was built without PCRE2, which that needs");
#endif
    }
    void merge(std::string_view text, detail::merged_word& word, std::vector<std::int32_t>& to) const {
        word.clear();
        for (char c : text)
            if (auto const id = byte_ids_[static_cast<std::uint8_t>(c)]; id >= 0) word.add(id);
        word.merge(merges_, to);
    }
    /// Most words of a text are one token; those whose merges end in that token need not be merged again.
    void find_whole_words() {
        detail::merged_word       word;
        std::vector<std::int32_t> ids;
        std::vector<bool>         added(size());
        for (auto const& a : parts_.added) added[static_cast<std::size_t>(a.id)] = true;
        for (std::size_t i = 0; i < size(); ++i) {
            ids.clear();
            if (parts_.whole_words_first && !added[i]) {
                whole_words_.emplace(bytes_[i], static_cast<std::int32_t>(i));
                continue;
            }
            if (bytes_[i].size() <= 64) merge(bytes_[i], word, ids);
            if (ids.size() == 1 && ids[0] == static_cast<std::int32_t>(i)) whole_words_.emplace(bytes_[i], ids[0]);
        }
    }
    void read_added() {
        for (auto const& a : parts_.added) {
            check(a.id >= 0 && static_cast<std::size_t>(a.id) < size(),
                  [&] { return "added token " + std::to_string(a.id) + " is not in the vocabulary"; });
            auto const& text = parts_.tokens[static_cast<std::size_t>(a.id)];
            check(!text.empty(), [&] { return "added token " + std::to_string(a.id) + " is empty"; });
            added_[static_cast<std::uint8_t>(text[0])].push_back(a.id);
        }
        auto const length = [&](std::int32_t id) { return parts_.tokens[static_cast<std::size_t>(id)].size(); };
        for (auto& same : added_) std::sort(same.begin(), same.end(), [&](auto a, auto b) { return length(a) > length(b); });
    }
    void read_bytes() {
        std::vector<bool> plain(size());
        for (auto const& a : parts_.added) plain[static_cast<std::size_t>(a.id)] = true;
        bytes_.resize(size());
        for (std::size_t i = 0; i < size(); ++i)
            if (plain[i]) bytes_[i] = parts_.tokens[i];
            else check(detail::byte_spellings.read(parts_.tokens[i], bytes_[i]), [&] {
                return "token " + std::to_string(i) + ", '" + parts_.tokens[i] + "', is no spelling of bytes";
            });
        for (std::size_t b = 0; b < 256; ++b) byte_ids_[b] = id(detail::byte_spellings.spelled(static_cast<std::uint8_t>(b)));
    }
    void read_merges() {
        for (std::size_t n = 0; n < parts_.merges.size(); ++n) {
            auto const &left = parts_.merges[n].first, &right = parts_.merges[n].second;
            auto const l = id(left), r = id(right), both = id(left + right);
            auto const name = [&] { return "merge " + std::to_string(n) + ", '" + left + "' and '" + right + "', "; };
            check(l >= 0 && r >= 0 && both >= 0, [&] { return name() + "takes or makes a token that is not in the vocabulary"; });
            check(merges_.add(l, r, {static_cast<std::uint32_t>(n), both}), [&] { return name() + "stands twice"; });
        }
    }
    static std::uint64_t hash_of(bpe_parts const& parts) {
        checksum   sum;
        auto const number = [&](std::uint64_t n) { sum.add(std::as_bytes(std::span(&n, 1))); };
        auto const text   = [&](std::string const& s) { number(s.size()), sum.add(std::as_bytes(std::span(s))); };
        number(parts.tokens.size());
        for (auto const& t : parts.tokens) text(t);
        number(parts.merges.size());
        for (auto const& [left, right] : parts.merges) text(left), text(right);
        auto added = parts.added;
        std::sort(added.begin(), added.end(), [](auto const& a, auto const& b) { return a.id < b.id; });
        for (auto const& a : added) number(static_cast<std::uint64_t>(a.id) << 1 | a.special);
        number(parts.single_digits);
        if (parts.whole_words_first || parts.composed || !parts.pattern.empty())
            number(parts.whole_words_first), number(parts.composed), text(parts.pattern);
        return sum.value();
    }

    using ids_by_text = std::unordered_map<std::string, std::int32_t, text_hash, std::equal_to<>>;

    bpe_parts                                  parts_;
    ids_by_text                                ids_;
    ids_by_text                                whole_words_;  // by their bytes
    std::array<std::vector<std::int32_t>, 256> added_;        // by first byte, longest first
    std::vector<std::string>                   bytes_;        // by id, for decoding
    std::array<std::int32_t, 256>              byte_ids_{};   // -1: none
    detail::merge_table                        merges_;
#ifdef MIDTRAIN_WITH_PCRE2
    std::optional<detail::pcre2_split>         pattern_;
#endif
    std::uint64_t                              hash_ = 0;
};

}  // namespace midtrain::inline MT_ABI::data
