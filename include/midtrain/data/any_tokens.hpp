#pragma once
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <midtrain/core/error.hpp>
#include <midtrain/data/document_scores.hpp>
#include <midtrain/data/flat_tokens.hpp>
#include <midtrain/data/megatron_tokens.hpp>
#include <midtrain/data/token_file.hpp>
#include <midtrain/data/token_options.hpp>
#include <midtrain/data/token_range.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace midtrain::inline MT_ABI::data {

/// Documents of tokens, whoever wrote them: what packing, batches and the trainer take from.
class any_tokens {
  public:
    using kinds = std::variant<token_file, flat_tokens, megatron_tokens>;

    any_tokens(kinds of) : of_(std::move(of)) {}

    std::string const& path() const {
        return std::visit([](auto const& f) -> std::string const& { return f.path(); }, of_);
    }
    std::int64_t documents() const {
        return std::visit([](auto const& f) { return f.documents(); }, of_);
    }
    std::int64_t tokens() const {
        return std::visit([](auto const& f) { return f.tokens(); }, of_);
    }
    std::int64_t vocabulary() const {
        return std::visit([](auto const& f) { return f.vocabulary(); }, of_);
    }
    token_range document(std::int64_t i) const {
        return std::visit([i](auto const& f) { return f.document(i); }, of_);
    }
    /// Reads everything of our own form; the others were read when they were opened.
    void verify() const {
        if (auto const own = std::get_if<token_file>(&of_)) own->verify();
    }
    kinds const& kind() const { return of_; }

    /// Scores of these documents, from a file beside them: what an order by score asks for.
    void score_with(document_scores scores) {
        check(scores.documents() == documents() && scores.tokens() == tokens(), [&] {
            return scores.path() + ": scores " + std::to_string(scores.documents()) + " documents of " + std::to_string(scores.tokens()) +
                   " tokens, and " + path() + " has " + std::to_string(documents()) + " of " + std::to_string(tokens());
        });
        scores_.emplace(std::move(scores));
    }
    double score(std::int64_t i) const {
        check(scores_.has_value(), [&] { return path() + ": has no scores, and a stage draws by them; `midtrain prepare --score` writes some"; });
        return (*scores_)[i];
    }

  private:
    kinds                          of_;
    std::optional<document_scores> scores_;
};

namespace detail {

inline bool begins_with(io::mapped_file const& file, std::string_view magic) {
    return file.bytes().size() >= magic.size() && std::memcmp(file.bytes().data(), magic.data(), magic.size()) == 0;
}

}  // namespace detail

/// Opens any file of tokens that is known: our own, Megatron's .bin or .idx, llm.c's, NumPy's; .bin and .npy of nothing but tokens
/// (nanoGPT, OLMo) are known by their name alone.
inline any_tokens open_tokens(std::string const& path, token_options how = {}) {
    io::mapped_file file(path);
    if (detail::begins_with(file, {token_file_header::known_magic, sizeof token_file_header::known_magic})) {
        token_file own(path);
        check(how.vocabulary == 0 || own.vocabulary() <= how.vocabulary, [&] {
            return path + ": was made with a vocabulary of " + std::to_string(own.vocabulary()) + " tokens where " +
                   std::to_string(how.vocabulary) + " are known";
        });
        return any_tokens(std::move(own));
    }
    auto const      name = std::filesystem::path(path);
    std::error_code why;
    bool const      bin = name.extension() == ".bin";
    if (detail::begins_with(file, megatron_tokens::known_magic) && name.extension() == ".idx")
        return any_tokens(megatron_tokens(path, how));
    if (auto index = name; bin && std::filesystem::is_regular_file(index.replace_extension(".idx"), why))
        return any_tokens(megatron_tokens(path, how));
    check(bin || name.extension() == ".npy" || detail::is_llmc(file.bytes()) || detail::is_npy(file.bytes()), [&] {
        return path +
               ": is no file of tokens that is known: neither midtrain's, Megatron's, llm.c's nor NumPy's, and not named .bin or .npy";
    });
    return any_tokens(flat_tokens(std::move(file), how));
}

}  // namespace midtrain::inline MT_ABI::data
