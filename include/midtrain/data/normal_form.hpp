#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
#include <midtrain/data/normal_form_table.hpp>
#include <midtrain/data/utf8.hpp>

namespace midtrain::inline MT_ABI::data {

namespace detail {

inline constexpr std::uint32_t hangul = 0xac00, hangul_l = 0x1100, hangul_v = 0x1161, hangul_t = 0x11a7;  // Unicode, section 3.12

/// Puts the full canonical decomposition of a code point behind `to`.
inline void decompose(std::uint32_t c, std::vector<std::uint32_t>& to) {
    if (c - hangul < 11'172) {
        auto const s = c - hangul;
        to.push_back(hangul_l + s / 588);
        to.push_back(hangul_v + s % 588 / 28);
        if (s % 28) to.push_back(hangul_t + s % 28);
        return;
    }
    std::size_t low = 0, high = std::size(decompositions) / 3;
    while (low < high) {
        auto const middle = (low + high) / 2;
        if ((decompositions[3 * middle] & 0x7fff'ffff) < c) low = middle + 1;
        else high = middle;
    }
    if (low == std::size(decompositions) / 3 || (decompositions[3 * low] & 0x7fff'ffff) != c) return to.push_back(c);
    decompose(decompositions[3 * low + 1], to);
    if (auto const second = decompositions[3 * low + 2]) decompose(second, to);
}
inline unsigned combining_class(std::uint32_t c) {
    auto const after = std::upper_bound(std::begin(combining_runs), std::end(combining_runs), c << 8 | 0xff);
    return after == std::begin(combining_runs) ? 0 : *(after - 1) & 0xff;
}
/// What two code points compose to, or 0.
inline std::uint32_t composed(std::uint32_t a, std::uint32_t b) {
    static std::unordered_map<std::uint64_t, std::uint32_t> const pairs = [] {
        std::unordered_map<std::uint64_t, std::uint32_t> all;
        for (std::size_t i = 0; i < std::size(decompositions); i += 3)
            if (decompositions[i] >> 31 == 0)
                all.emplace(std::uint64_t{decompositions[i + 1]} << 32 | decompositions[i + 2], decompositions[i]);
        return all;
    }();
    if (a - hangul_l < 19 && b - hangul_v < 21) return hangul + ((a - hangul_l) * 21 + (b - hangul_v)) * 28;
    if (a - hangul < 11'172 && (a - hangul) % 28 == 0 && b - hangul_t - 1 < 27) return a + (b - hangul_t);
    auto const at = pairs.find(std::uint64_t{a} << 32 | b);
    return at == pairs.end() ? 0 : at->second;
}
/// Sorts the marks behind each base by class, then lets each base take what composes with it and is not blocked.
inline void compose(std::vector<std::uint32_t>& text) {
    for (std::size_t i = 0; i < text.size();) {
        auto end = i;
        while (end < text.size() && combining_class(text[end]) != 0) ++end;
        std::stable_sort(text.begin() + static_cast<std::ptrdiff_t>(i), text.begin() + static_cast<std::ptrdiff_t>(end),
                         [](auto a, auto b) { return combining_class(a) < combining_class(b); });
        i = end + 1;
    }
    std::size_t kept = 0, base = text.size();  // none yet
    unsigned    last = 0;                      // class of what stands between
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const rank = combining_class(text[i]);
        bool const next = base + 1 == kept;  // directly behind the base
        if (auto const one = base < kept && (next || last < rank) ? composed(text[base], text[i]) : 0) {
            text[base] = one;
            continue;
        }
        if (rank == 0) base = kept;
        last         = rank;
        text[kept++] = text[i];
    }
    text.resize(kept);
}
inline void put_utf8(std::uint32_t c, std::string& s) {
    if (c < 0x80) return void(s += static_cast<char>(c));
    if (c < 0x800) s += static_cast<char>(0xc0 | c >> 6);
    else if (c < 0x10000) (s += static_cast<char>(0xe0 | c >> 12)) += static_cast<char>(0x80 | (c >> 6 & 63));
    else ((s += static_cast<char>(0xf0 | c >> 18)) += static_cast<char>(0x80 | (c >> 12 & 63))) += static_cast<char>(0x80 | (c >> 6 & 63));
    s += static_cast<char>(0x80 | (c & 63));
}

}  // namespace detail

/// A text in Unicode's normal form C (UAX 15). Bytes that are not UTF-8 stay as they are.
inline std::string normal_form_c(std::string_view text) {
    auto const plain = [](char c) { return static_cast<std::uint8_t>(c) < 0xcc; };  // all below U+0300 is in that form
    if (std::all_of(text.begin(), text.end(), plain)) return std::string(text);
    constexpr std::uint32_t    stray = 0x110000;  // and a byte
    std::vector<std::uint32_t> codes;
    for (std::size_t at = 0; at < text.size();) {
        auto const n = detail::utf8_length(text, at);
        auto const a = static_cast<std::uint8_t>(text[at]);
        if (n <= 1) codes.push_back(n == 0 ? stray + a : a);
        else {
            std::uint32_t c = a & (0x7fu >> n);
            for (std::size_t i = 1; i < n; ++i) c = c << 6 | (static_cast<std::uint8_t>(text[at + i]) & 63);
            detail::decompose(c, codes);
        }
        at += n == 0 ? 1 : n;
    }
    detail::compose(codes);
    std::string s;
    for (auto c : codes)
        if (c >= stray) s += static_cast<char>(c - stray);
        else detail::put_utf8(c, s);
    return s;
}

}  // namespace midtrain::inline MT_ABI::data
