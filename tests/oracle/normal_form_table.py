#!/usr/bin/env python3
"""Writes the tables of include/midtrain/data/normal_form_table.hpp from Python's Unicode.

tests/oracle/normal_form_table.py > include/midtrain/data/normal_form_table.hpp
"""
import unicodedata


def lines(values):
    out, line = [], "   "
    for v in values:
        if len(line) + len(v) + 2 > 140:
            out.append(line)
            line = "   "
        line += " " + v + ","
    return "\n".join(out + [line])


def main():
    pairs, runs, before = [], [], 0
    for c in range(0x110000):
        if 0xd800 <= c < 0xe000 or 0xac00 <= c < 0xd7a4:
            continue
        d = unicodedata.decomposition(chr(c))
        if d and not d.startswith("<"):
            parts = [int(x, 16) for x in d.split()] + [0]
            composes = len(parts) == 3 and unicodedata.normalize("NFC", chr(parts[0]) + chr(parts[1])) == chr(c)
            pairs += [f"0x{c | (0 if composes else 1 << 31):x}", f"0x{parts[0]:x}", f"0x{parts[1]:x}"]
        rank = unicodedata.combining(chr(c))
        if rank != before:
            runs.append(f"0x{c << 8 | rank:x}")
            before = rank
    print(f"""#pragma once
#include <cstdint>
#include <midtrain/config.hpp>

// Canonical decompositions and combining classes of Unicode {unicodedata.unidata_version}, without Hangul, which is computed.
// Made by tests/oracle/normal_form_table.py.
namespace midtrain::inline MT_ABI::data::detail {{

/// Three numbers each: a code point, and the one or two (else 0) that it stands for. Highest bit: the two do not compose to it.
inline constexpr std::uint32_t decompositions[] = {{
{lines(pairs)}
}};

/// Where a combining class begins: code point << 8 | class.
inline constexpr std::uint32_t combining_runs[] = {{
{lines(runs)}
}};

}}  // namespace midtrain::inline MT_ABI::data::detail""")


if __name__ == "__main__":
    main()
