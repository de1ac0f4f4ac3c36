#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI::data {

namespace detail {

/// Bytes of the UTF-8 character at a place (RFC 3629, table 3-7 of the Unicode standard), or 0 if none begins there.
inline std::size_t utf8_length(std::string_view text, std::size_t at) {
    auto const byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<std::uint8_t>(text[at + i]) : 0u; };
    auto const in   = [&](std::size_t i, unsigned low, unsigned high) { return byte(i) >= low && byte(i) <= high; };
    auto const more = [&](std::size_t i) { return in(i, 0x80, 0xbf); };
    unsigned const a = byte(0);
    if (a < 0x80) return 1;
    if (a >= 0xc2 && a < 0xe0) return more(1) ? 2 : 0;
    if (a >= 0xe0 && a < 0xf0) return in(1, a == 0xe0 ? 0xa0 : 0x80, a == 0xed ? 0x9f : 0xbf) && more(2) ? 3 : 0;
    if (a >= 0xf0 && a < 0xf5) return in(1, a == 0xf0 ? 0x90 : 0x80, a == 0xf4 ? 0x8f : 0xbf) && more(2) && more(3) ? 4 : 0;
    return 0;
}

}  // namespace detail

/// The first byte that belongs to no character of UTF-8, or npos.
inline std::size_t invalid_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        auto const n = detail::utf8_length(text, at);
        if (n == 0) return at;
        at += n;
    }
    return std::string_view::npos;
}

/// The text with U+FFFD for each byte that belongs to no character.
inline std::string replaced_utf8(std::string_view text) {
    std::string s;
    for (std::size_t at = 0; at < text.size();) {
        auto const n = detail::utf8_length(text, at);
        if (n == 0) s += "\xef\xbf\xbd";
        else s += text.substr(at, n);
        at += n == 0 ? 1 : n;
    }
    return s;
}

}  // namespace midtrain::inline MT_ABI::data
