#pragma once
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/data/token_options.hpp>
#include <midtrain/data/token_range.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace midtrain::inline MT_ABI::data {

namespace detail {

/// Where the tokens of a file stand, and what they are.
struct token_layout {
    std::size_t   first       = 0;  ///< byte
    std::size_t   tokens      = 0;
    std::uint32_t token_bytes = 2;
    bool          negative    = false;  ///< the type has a sign
};

/// llm.c (dev/data/data_common.py): 256 words of four bytes, of which the first are magic, version and number of tokens.
inline bool is_llmc(std::span<std::byte const> bytes) {
    std::int32_t magic = 0;
    if (bytes.size() >= 4) std::memcpy(&magic, bytes.data(), 4);
    return magic == 20240520 || magic == 20240801;
}
inline token_layout llmc_layout(std::span<std::byte const> bytes, std::string const& path) {
    check(bytes.size() >= 1024, [&] { return path + ": is too short for the 1024 bytes of llm.c's header"; });
    std::int32_t head[3];
    std::memcpy(head, bytes.data(), sizeof head);
    bool const          wide = head[0] == 20240801;
    std::uint32_t const size = wide ? 4 : 2;
    check(head[1] == (wide ? 7 : 1), [&] {
        return path + ": has llm.c's version " + std::to_string(head[1]) + " where " + (wide ? "7" : "1") + " is known";
    });
    check(head[2] >= 0 && bytes.size() - 1024 == static_cast<std::size_t>(head[2]) * size, [&] {
        return path + ": has " + std::to_string(bytes.size()) + " bytes, which is not what its " + std::to_string(head[2]) + " tokens need";
    });
    return {1024, static_cast<std::size_t>(head[2]), size, false};
}

/// NumPy's header (numpy.lib.format, versions 1 to 3) of a row of whole numbers.
inline bool is_npy(std::span<std::byte const> bytes) { return bytes.size() >= 6 && std::memcmp(bytes.data(), "\x93NUMPY", 6) == 0; }
inline token_layout npy_layout(std::span<std::byte const> bytes, std::string const& path) {
    check(bytes.size() >= 10, [&] { return path + ": ends within NumPy's header"; });
    auto const version = std::to_integer<unsigned>(bytes[6]);
    check(version >= 1 && version <= 3,
          [&] { return path + ": has NumPy's version " + std::to_string(version) + " where 1 to 3 are known"; });
    std::size_t const fixed = version == 1 ? 10 : 12;
    std::uint32_t     size  = 0;
    check(bytes.size() >= fixed, [&] { return path + ": ends within NumPy's header"; });
    std::memcpy(&size, bytes.data() + 8, fixed - 8);
    check(size <= bytes.size() - fixed, [&] { return path + ": ends within NumPy's header"; });
    std::string_view const head(reinterpret_cast<char const*>(bytes.data()) + fixed, size);
    auto const after = [&](std::string_view key) {
        auto const at = head.find(key);
        check(at != head.npos, [&] { return path + ": NumPy's header has no " + std::string(key); });
        auto const value = head.find_first_not_of(": ", at + key.size());
        return value == head.npos ? std::string_view() : head.substr(value);
    };
    auto const type = after("'descr'").substr(0, 5), shape = after("'shape'");
    std::pair<char const*, token_layout> const known[] = {
        {"'|u1'", {0, 0, 1, false}}, {"'<u2'", {0, 0, 2, false}}, {"'<u4'", {0, 0, 4, false}}, {"'<u8'", {0, 0, 8, false}},
        {"'<i2'", {0, 0, 2, true}},  {"'<i4'", {0, 0, 4, true}},  {"'<i8'", {0, 0, 8, true}}};
    auto const at = std::find_if(std::begin(known), std::end(known), [&](auto const& k) { return type == k.first; });
    check(at != std::end(known), [&] { return path + ": holds numbers of type " + std::string(type) + ", which are no tokens"; });
    auto        layout = at->second;
    auto const  end    = shape.find(')');
    std::size_t tokens = 0;
    auto const  read   = end == shape.npos || end < 2 || shape[0] != '(' ? std::from_chars_result{nullptr, std::errc::invalid_argument}
                                                                         : std::from_chars(shape.data() + 1, shape.data() + end, tokens);
    check(read.ec == std::errc{} && shape.substr(static_cast<std::size_t>(read.ptr - shape.data()), 2) == ",)",
          [&] { return path + ": NumPy's header has a shape that is no row"; });
    layout.first  = fixed + size;
    layout.tokens = tokens;
    check(tokens == (bytes.size() - layout.first) / layout.token_bytes && (bytes.size() - layout.first) % layout.token_bytes == 0, [&] {
        return path + ": has " + std::to_string(bytes.size()) + " bytes, which is not what its " + std::to_string(tokens) + " tokens need";
    });
    return layout;
}

/// Nothing but tokens: nanoGPT's .bin, OLMo's .npy.
inline token_layout raw_layout(std::span<std::byte const> bytes, token_options const& how, std::string const& path) {
    auto const size = how.token_bytes > 0 ? how.token_bytes : how.vocabulary > 65'536 ? 4u : 2u;
    check(size == 2 || size == 4, [&] { return path + ": tokens without a header have 2 or 4 bytes, not " + std::to_string(size); });
    check(bytes.size() % size == 0, [&] {
        return path + ": has " + std::to_string(bytes.size()) + " bytes, no multiple of the " + std::to_string(size) + " of a token";
    });
    return {0, bytes.size() / size, size, false};
}

}  // namespace detail

/// A file of one long row of tokens: llm.c's .bin, NumPy's .npy, or tokens alone (nanoGPT, OLMo). Documents are what stands between end
/// tokens; empty ones are left out, so it is the same whether an end token closes a document (nanoGPT) or opens it (llm.c). Without an
/// end token the whole is one document. Opening reads every token.
class flat_tokens {
  public:
    explicit flat_tokens(std::string path, token_options how = {}) : flat_tokens(io::mapped_file(std::move(path)), how) {}
    flat_tokens(io::mapped_file file, token_options how) : file_(std::move(file)) {
        auto const bytes = file_.bytes();
        layout_ = detail::is_llmc(bytes) ? detail::llmc_layout(bytes, path())
                  : detail::is_npy(bytes) ? detail::npy_layout(bytes, path())
                                          : detail::raw_layout(bytes, how, path());
        switch (layout_.token_bytes) {
            case 1: split<std::uint8_t>(how); break;
            case 2: layout_.negative ? split<std::int16_t>(how) : split<std::uint16_t>(how); break;
            case 4: layout_.negative ? split<std::int32_t>(how) : split<std::uint32_t>(how); break;
            default: split<std::int64_t>(how);
        }
    }

    std::string const& path() const { return file_.path(); }
    std::int64_t       documents() const { return static_cast<std::int64_t>(spans_.size()); }
    std::int64_t       tokens() const { return tokens_; }  ///< without end tokens
    std::int64_t       vocabulary() const { return vocabulary_; }

    token_range document(std::int64_t i) const {
        auto const [first, count] = spans_[static_cast<std::size_t>(i)];
        return {file_.bytes().data() + layout_.first + first * layout_.token_bytes, static_cast<std::size_t>(count), layout_.token_bytes};
    }

  private:
    template <class T>
    void split(token_options const& how) {
        auto const    bytes = file_.bytes().subspan(layout_.first, layout_.tokens * sizeof(T));
        std::uint64_t begin = 0;
        auto const    close = [&](std::uint64_t end) {
            if (end > begin) spans_.emplace_back(begin, end - begin), tokens_ += static_cast<std::int64_t>(end - begin);
            begin = end + 1;
        };
        vocabulary_ = detail::scan_tokens<T>(bytes, how.vocabulary, path(), [&](std::size_t i, std::int64_t t) {
            if (t == how.end_token) close(i);
        });
        close(layout_.tokens);
    }

    io::mapped_file                                      file_;
    detail::token_layout                                 layout_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> spans_;  // first token and number
    std::int64_t                                         tokens_ = 0, vocabulary_ = 0;
};

}  // namespace midtrain::inline MT_ABI::data
