#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <midtrain/data/unicode.hpp>

namespace midtrain::inline MT_ABI::data {

namespace detail {

struct read_character {
    character   kind;
    std::size_t bytes;
};

/// The character at a place of UTF-8 (RFC 3629); a byte that begins none stands alone and is neither letter, number nor space.
inline read_character character_at(std::string_view text, std::size_t at) {
    auto const byte = [&](std::size_t i) { return at + i < text.size() ? static_cast<std::uint8_t>(text[at + i]) : std::uint32_t{0}; };
    auto const more = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    auto const a    = byte(0);
    if (a < 0x80) return {kind_of(a), 1};
    if (a >= 0xc2 && a < 0xe0 && more(1)) return {kind_of((a & 31) << 6 | (byte(1) & 63)), 2};
    if (a >= 0xe0 && a < 0xf0 && more(1) && more(2)) {
        auto const code = (a & 15) << 12 | (byte(1) & 63) << 6 | (byte(2) & 63);
        if (code >= 0x800 && (code < 0xd800 || code >= 0xe000)) return {kind_of(code), 3};
    }
    if (a >= 0xf0 && a < 0xf5 && more(1) && more(2) && more(3)) {
        auto const code = (a & 7) << 18 | (byte(1) & 63) << 12 | (byte(2) & 63) << 6 | (byte(3) & 63);
        if (code >= 0x10000 && code < 0x110000) return {kind_of(code), 4};
    }
    return {character::other, 1};
}

/// Bytes of 's 't 're 've 'm 'll 'd at this place, or 0.
inline std::size_t contraction_at(std::string_view text) {
    for (std::string_view c : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
        if (text.starts_with(c)) return c.size();
    return 0;
}

/// The end of the run of characters of one kind.
inline std::size_t run_end(std::string_view text, std::size_t at, character kind) {
    while (at < text.size()) {
        auto const c = character_at(text, at);
        if (c.kind != kind) break;
        at += c.bytes;
    }
    return at;
}

/// The end of a word that begins with white space at `at`.
inline std::size_t space_end(std::string_view text, std::size_t at, bool single_digits) {
    std::size_t last = at, end = at;  // of the run: its last character, and its end
    auto        next = read_character{character::space, 0};
    for (; end < text.size(); end += next.bytes) {
        next = character_at(text, end);
        if (next.kind != character::space) break;
        last = end;
    }
    if (end == text.size() || (single_digits && next.kind == character::number)) return end;
    if (last > at) return last;
    return text[at] == ' ' ? run_end(text, end, next.kind) : end;
}

}  // namespace detail

/// The end of the word that begins at `at`, as GPT-2's pattern cuts them, the first alternative that fits:
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
/// With single digits each number stands alone first, and the pattern sees only what lies between.
inline std::size_t word_end(std::string_view text, std::size_t at, bool single_digits) {
    if (text[at] == '\'')
        if (auto const n = detail::contraction_at(text.substr(at))) return at + n;
    auto const c = detail::character_at(text, at);
    if (c.kind == character::space) return detail::space_end(text, at, single_digits);
    return c.kind == character::number && single_digits ? at + c.bytes : detail::run_end(text, at + c.bytes, c.kind);
}

}  // namespace midtrain::inline MT_ABI::data
