#!/usr/bin/env python3
"""Writes data/unicode.hpp: which characters are letters, numbers and spaces, as the tokenizers package sees them.

It is asked for each character by splitting: a letter stays with a letter, a number with a number. Python's own tables must agree on
every character that they know.

tests/oracle/unicode_table.py OUTPUT_FILE   (tokenizers)
"""
import sys
import unicodedata

from tokenizers.pre_tokenizers import ByteLevel

OTHER, LETTER, NUMBER, SPACE = range(4)
SPACES = {*range(9, 14), 0x20, 0x85, 0xa0, 0x1680, *range(0x2000, 0x200b), 0x2028, 0x2029, 0x202f, 0x205f, 0x3000}  # White_Space


def asked(splitter, c):
    for neighbour, kind in (("a", LETTER), ("1", NUMBER), ("!", OTHER)):
        if len(splitter.pre_tokenize_str(neighbour + c)) == 1:
            return kind
    return SPACE


def expected(code):
    category = unicodedata.category(chr(code))[0]
    return SPACE if code in SPACES else {"L": LETTER, "N": NUMBER}.get(category, OTHER)


def main(path):
    splitter = ByteLevel(add_prefix_space=False, use_regex=True)
    starts, last = [], -1
    for code in range(0x110000):
        kind = OTHER if 0xd800 <= code < 0xe000 else asked(splitter, chr(code))
        if unicodedata.category(chr(code)) != "Cn":
            assert kind == expected(code), hex(code)
        if kind != last:
            starts.append(hex(code << 2 | kind))
            last = kind
    lines, line = [], "   "
    for s in starts:
        if len(line) + len(s) + 2 > 138:
            lines.append(line)
            line = "   "
        line += f" {s},"
    with open(path, "w") as out:
        out.write(HEADER % len(starts) + "\n".join(lines + [line]).rstrip(",") + FOOTER)


HEADER = """#pragma once
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <midtrain/config.hpp>

// Written by tests/oracle/unicode_table.py.

namespace midtrain::inline MT_ABI::data {

/// What a tokenizer's pattern asks of a character: \\p{L}, \\p{N}, \\s (White_Space), or none of them.
enum class character : std::uint8_t { other, letter, number, space };

namespace detail {

// Where a run of equal characters starts, times four, and what they are. Unicode 16.
inline constexpr std::uint32_t unicode_runs[%d] = {
"""
FOOTER = """};

}  // namespace detail

/// The kind of a code point.
constexpr character kind_of(std::uint32_t code) {
    if (code < 0x80) {
        if ((code | 0x20u) - 'a' < 26u) return character::letter;
        if (code - '0' < 10u) return character::number;
        return code == ' ' || code - '\\t' < 5u ? character::space : character::other;
    }
    auto const after = std::upper_bound(std::begin(detail::unicode_runs), std::end(detail::unicode_runs), code << 2 | 3);
    return static_cast<character>(*(after - 1) & 3);
}

}  // namespace midtrain::inline MT_ABI::data
"""

if __name__ == "__main__":
    main(sys.argv[1])
