#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/lanes.hpp>

namespace midtrain::inline MT_ABI::detail {

/// What products by matrix units (amx.hpp) are made of. A block is 16 lines by 32 terms, 1 KB: of a left operand lines are rows, each with its terms; of a
/// right operand lines are columns, and two terms of all of them lie side by side. Two blocks are 32 lines; sums are 32 x 32 floats, in tiles 0 to 3.
template <class Units>
struct matrix_blocks {
    static constexpr index_t lines = 16, terms = 32, size = lines * terms;
    static constexpr index_t whole(index_t n) { return (n + 31) / 32 * 32; }  ///< lines or terms that n of them are packed as

    using words  = lanes_t<std::uint32_t, 16>;
    using halves = lanes_in_memory<std::uint16_t, 16>;
    using line   = lanes_t<std::uint16_t, 32>;

    /// Packs a block of `n` lines and `d` terms, those beyond them zero. `beside`: the terms of a line are beside each other in memory, rows `stride` apart are
    /// lines; else rows are terms.
    template <bool left, bool beside>
    MT_INLINE static void pack(bf16 const* from, index_t stride, index_t n, index_t d, bf16* to) {
        alignas(64) std::uint16_t part[size];
        if (n < lines || d < terms) {
            constexpr index_t all = beside ? terms : lines;
            std::fill_n(part, size, std::uint16_t{0});
            for (index_t i = 0; i < (beside ? n : d); ++i)
                for (index_t k = 0; k < (beside ? d : n); ++k) part[i * all + k] = from[i * stride + k].bits;
            from = reinterpret_cast<bf16 const*>(part), stride = all;
        }
        if constexpr (left && !beside) {
            transpose<std::uint16_t>(from, stride, to, 2 * lines);
        } else if constexpr (beside && !left) {
            transpose<std::uint32_t>(from, stride, to, 2 * terms);
        } else if constexpr (left) {
            MT_UNROLL(16)
            for (int i = 0; i < 16; ++i) *reinterpret_cast<lanes_in_memory<std::uint16_t, 32>*>(to + i * terms) = *reinterpret_cast<lanes_in_memory<std::uint16_t, 32> const*>(from + i * stride);
        } else {
            MT_UNROLL(16)
            for (int i = 0; i < 16; ++i) {
                bf16 const* const pair = from + 2 * i * stride;
                *reinterpret_cast<lanes_in_memory<std::uint32_t, 16>*>(to + i * terms) =
                    __builtin_convertvector(*reinterpret_cast<halves const*>(pair), words) | __builtin_convertvector(*reinterpret_cast<halves const*>(pair + stride), words) << 16;
            }
        }
    }

    /// Packs an operand of n lines and d terms into blocks for `lines_to` lines and `terms_to` terms, multiples of 32: two blocks for each 32 terms of 32 lines.
    template <bool left>
    MT_INLINE static void pack_all(bool beside, bf16 const* from, index_t stride, index_t n, index_t d, index_t lines_to, index_t terms_to, bf16* to) {
        auto const have = [](index_t all, index_t at, index_t most) { return std::clamp<index_t>(all - at, 0, most); };
        if (beside) {
            for (index_t l = 0; l < lines_to; l += lines)
                for (index_t t = 0; t < terms_to; t += terms) pack<left, true>(from + l * stride + t, stride, have(n, l, lines), have(d, t, terms), to + place(l, t, terms_to));
        } else {
            for (index_t t = 0; t < terms_to; t += terms)
                for (index_t l = 0; l < lines_to; l += lines) pack<left, false>(from + t * stride + l, stride, have(n, l, lines), have(d, t, terms), to + place(l, t, terms_to));
        }
    }
    /// Where the block of a line and a term begins.
    static constexpr index_t place(index_t line, index_t term, index_t terms_to) {
        return line / 32 * 32 * terms_to + term / terms * 2 * size + line % 32 / lines * size;
    }

    /// A block whose 16 columns of E, in as many rows as 64 bytes have of it, become rows. `next` values further in each row lies what will be packed soon.
    template <class E>
    MT_INLINE static void transpose(bf16 const* from, index_t stride, bf16* to, index_t next) {
        constexpr int each = 16 / sizeof(E);  // of 128 bits
        using all          = lanes_t<E, 4 * each>;
        MT_UNROLL(4)
        for (int first = 0; first < 16; first += each) {
            alignas(64) all v[each];
            MT_UNROLL(8)
            for (int i = 0; i < each; ++i) {
                bf16 const* const row = from + i * stride + first * index_t{sizeof(E) / sizeof(bf16)};
                auto const        part = [&](int q) { return reinterpret_cast<std::uint16_t const*>(row + each * q * stride); };
                if (first == 0)
                    for (int q = 0; q < 4; ++q) __builtin_prefetch(row + each * q * stride + next, 0, 2);
                line joined;
                join_four<8>(part(0), part(1), part(2), part(3), joined, std::make_integer_sequence<int, 32>{});
                v[i] = __builtin_bit_cast(all, joined);
            }
            transpose_in_128_bits(v);
            MT_UNROLL(8)
            for (int i = 0; i < each; ++i) *reinterpret_cast<lanes_in_memory<E, 4 * each>*>(to + (first + i) * terms) = v[i];
        }
    }

    MT_INLINE static void zero_sums() { Units::template zero<0>(), Units::template zero<1>(), Units::template zero<2>(), Units::template zero<3>(); }
    /// Rows of the sums are `stride` floats apart.
    MT_INLINE static void load_sums(float const* from, index_t stride) {
        Units::template load<0>(from, 4 * stride), Units::template load<1>(from + 16, 4 * stride);
        Units::template load<2>(from + 16 * stride, 4 * stride), Units::template load<3>(from + 16 * stride + 16, 4 * stride);
    }
    MT_INLINE static void store_sums(float* to, index_t stride) {
        Units::template store<0>(to, 4 * stride), Units::template store<1>(to + 16, 4 * stride);
        Units::template store<2>(to + 16 * stride, 4 * stride), Units::template store<3>(to + 16 * stride + 16, 4 * stride);
    }
    /// 32 rows of a left operand: packed by pack_all, or as they lie in memory with their terms beside each other.
    struct left_rows {
        bf16 const* first;
        index_t     apart = terms, below = size, next = 2 * size;  ///< values from a row to the next, to the second 16 of them, to the next 32 terms

        MT_INLINE static left_rows in_place(bf16 const* first, index_t stride) { return {first, stride, lines * stride, terms}; }
    };
    /// sums += a b over n terms, a multiple of 32; of b two blocks for each 32, one after the other.
    MT_INLINE static void add_products(index_t n, left_rows const& rows, bf16 const* b) {
        bf16 const* a = rows.first;
        for (index_t x = 0; x < n; x += terms, a += rows.next, b += 2 * size) {
            Units::template load<4>(a, 2 * rows.apart), Units::template load<6>(b, 64), Units::template load<7>(b + size, 64);
            Units::template load<5>(a + rows.below, 2 * rows.apart);
            Units::template multiply<0, 4, 6>(), Units::template multiply<1, 4, 7>(), Units::template multiply<2, 5, 6>(), Units::template multiply<3, 5, 7>();
        }
    }
    /// c (rows x columns, both multiples of 32) = a b over n terms, or += with `accumulate`. pack_all has packed both for `packed` terms, of which these may be part.
    MT_INLINE static void product(index_t rows, index_t columns, index_t n, bf16 const* a, bf16 const* b, float* c, index_t ldc, bool accumulate, index_t packed) {
        for (index_t i = 0; i < rows; i += 32)
            for (index_t j = 0; j < columns; j += 32) {
                float* const to = c + i * ldc + j;
                accumulate ? load_sums(to, ldc) : zero_sums();
                add_products(n, {a + i * packed}, b + j * packed);
                store_sums(to, ldc);
            }
    }
};

}  // namespace midtrain::inline MT_ABI::detail
