#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/data/megatron_tokens.hpp>
#include <midtrain/data/token_file.hpp>
#include <midtrain/data/token_range.hpp>
#include <midtrain/io/file_writer.hpp>

// Files of tokens for other programs. Store: documents(), document(i), vocabulary(), as for packing.
namespace midtrain::inline MT_ABI::data {

namespace detail {

/// Writes tokens of two or four bytes, some thousand at a time.
class narrow_writer {
  public:
    narrow_writer(std::string path, std::size_t bytes) : file_(std::move(path)), bytes_(bytes) {}

    void add(std::int32_t token) {
        auto const from = reinterpret_cast<std::byte const*>(&token);
        waiting_.insert(waiting_.end(), from, from + bytes_);
        if (waiting_.size() >= 1 << 16) flush();
    }
    void head(std::span<std::byte const> bytes) { file_.write(bytes); }
    void finish() {
        flush();
        file_.finish();
    }

  private:
    void flush() {
        file_.write(waiting_);
        waiting_.clear();
    }

    io::file_writer        file_;
    std::size_t            bytes_;
    std::vector<std::byte> waiting_;
};

}  // namespace detail

/// Megatron's pair `prefix.bin` and `prefix.idx`: a document is one sequence, closed by the end token unless that is -1.
template <class Store>
void write_megatron(std::string const& prefix, Store const& store, std::int32_t end_token) {
    bool const                narrow = store.vocabulary() <= 65'500;  // indexed_dataset.py: optimal_dtype
    std::size_t const         bytes  = narrow ? 2 : 4;
    detail::narrow_writer     tokens(prefix + ".bin", bytes);
    std::vector<std::int32_t> lengths;
    std::vector<std::int64_t> pointers, bounds = {0};
    std::int64_t              at = 0;
    for (std::int64_t d = 0; d < static_cast<std::int64_t>(store.documents()); ++d) {
        auto const        document = store.document(d);
        std::size_t const size     = document.size() + (end_token >= 0);
        check(size <= std::numeric_limits<std::int32_t>::max(),
              [&] { return prefix + ".bin: document " + std::to_string(d) + " is too long for Megatron's index"; });
        for (std::size_t i = 0; i < document.size(); ++i) tokens.add(document[i]);
        if (end_token >= 0) tokens.add(end_token);
        lengths.push_back(static_cast<std::int32_t>(size));
        pointers.push_back(at);
        bounds.push_back(d + 1);
        at += static_cast<std::int64_t>(size * bytes);
    }
    tokens.finish();
    io::file_writer index(prefix + ".idx");
    std::uint64_t const version = 1, counts[] = {lengths.size(), bounds.size()};
    std::uint8_t const  code = narrow ? 8 : 4;
    index.write(std::as_bytes(std::span(megatron_tokens::known_magic)));
    index.write(std::as_bytes(std::span(&version, 1)));
    index.write(std::as_bytes(std::span(&code, 1)));
    index.write(std::as_bytes(std::span(counts)));
    index.write(std::as_bytes(std::span(lengths)));
    index.write(std::as_bytes(std::span(pointers)));
    index.write(std::as_bytes(std::span(bounds)));
    index.finish();
}

/// llm.c's .bin: each document is opened by the end token. Two bytes a token (its GPT-2 form), or four (its Llama-3 form) where the
/// vocabulary needs them.
template <class Store>
void write_llmc(std::string const& path, Store const& store, std::int32_t end_token) {
    check(end_token >= 0, [&] { return path + ": llm.c's files need an end token"; });
    std::int64_t total = 0;
    for (std::int64_t d = 0; d < static_cast<std::int64_t>(store.documents()); ++d)
        total += static_cast<std::int64_t>(store.document(d).size()) + 1;
    check(total <= std::numeric_limits<std::int32_t>::max(), [&] { return path + ": too many tokens for llm.c's header"; });
    bool const            wide = store.vocabulary() > 65'536;
    detail::narrow_writer to(path, wide ? 4 : 2);
    std::int32_t const    head[256] = {wide ? 20240801 : 20240520, wide ? 7 : 1, static_cast<std::int32_t>(total)};
    to.head(std::as_bytes(std::span(head)));
    for (std::int64_t d = 0; d < static_cast<std::int64_t>(store.documents()); ++d) {
        auto const document = store.document(d);
        to.add(end_token);
        for (std::size_t i = 0; i < document.size(); ++i) to.add(document[i]);
    }
    to.finish();
}

/// Forms that token files are written in: our own, Megatron's pair, llm.c's.
enum class token_form { midtrain, megatron, llmc };

namespace detail {

/// Whether the loss leaves out any token.
template <class Store>
bool has_mask(Store const& store) {
    for (std::int64_t d = 0; d < static_cast<std::int64_t>(store.documents()); ++d) {
        auto const document = store.document(d);
        for (std::size_t i = 0; i < document.size(); ++i)
            if (!is_counted(document, i)) return true;
    }
    return false;
}

}  // namespace detail

/// Our own form, with a loss mask where the store has one.
template <class Store>
void write_own_tokens(std::string const& path, Store const& store, std::uint64_t tokenizer_hash = 0) {
    bool const                masked = detail::has_mask(store);
    token_file_writer         to(path, static_cast<std::size_t>(store.vocabulary()), tokenizer_hash,
                         masked ? loss_mask::by_token : loss_mask::none);
    std::vector<std::int32_t> tokens;
    std::vector<std::uint8_t> counts;
    for (std::int64_t d = 0; d < static_cast<std::int64_t>(store.documents()); ++d) {
        auto const document = store.document(d);
        tokens.clear(), counts.clear();
        for (std::size_t i = 0; i < document.size(); ++i) {
            tokens.push_back(document[i]);
            if (masked) counts.push_back(is_counted(document, i));
        }
        to.add(tokens, counts);
    }
    to.finish();
}

/// Writes a file of tokens in a form; of Megatron's pair `path` names either or what both begin with. A loss mask that the form has no
/// place for is refused.
template <class Store>
void write_tokens(token_form form, std::string path, Store const& store, std::int32_t end_token) {
    if (form == token_form::midtrain) return write_own_tokens(path, store);
    check(!detail::has_mask(store), [&] { return path + ": there is no place for a loss mask in this form, and the tokens have one"; });
    if (form == token_form::llmc) return write_llmc(path, store, end_token);
    if (path.ends_with(".bin") || path.ends_with(".idx")) path.resize(path.size() - 4);
    write_megatron(path, store, end_token);
}

}  // namespace midtrain::inline MT_ABI::data
