#pragma once
#include <algorithm>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/amx.hpp>
#include <midtrain/exec/host/lanes.hpp>
#include <midtrain/exec/host/matrix_blocks.hpp>
#include <midtrain/exec/host/op/attention_ranges.hpp>

namespace midtrain::inline MT_ABI::detail {

/// What forward and backward of attention in matrix units have in common: tiles, and how values of their registers leave them.
template <class Units>
struct matrix_attention_parts {
    using blocks                  = matrix_blocks<Units>;
    using V                       = lanes_t<float, 16>;
    using M                       = lanes_in_memory<float, 16>;
    static constexpr index_t tile = attention_ranges::tile, two = 2 * tile;
    using square                  = float[tile][tile];

    static constexpr float none = -1e30f, hidden = 2 * none;  // below every score, and below that; finite, so that a difference of two is a number
    static constexpr float log2_e = 1.44269504088896341f, ln_2 = 0.693147180559945309f;
    alignas(64) static constexpr float zeros[tile] = {};

    static index_t pair_of(index_t queries) { return queries > tile ? two : tile; }  ///< that are handled together, of so many left

    MT_INLINE static M&       vector_at(float* from) { return *reinterpret_cast<M*>(from); }
    MT_INLINE static M const& vector_at(float const* from) { return *reinterpret_cast<M const*>(from); }

    /// 16 queries from c on of the keys j and j + 1, of `all`, as two terms of a right operand whose lines are the queries.
    MT_INLINE static void store_pairs(V const& key, V const& next, index_t c, index_t j, index_t all, bf16* to) {
        Units::store_rounded_pairs(key, next, to + blocks::place(c, j, all) + j % 32 / 2 * 32);
    }
    /// 32 queries from c on, of `all`, of key j, as terms of a left operand whose lines are the keys.
    MT_INLINE static void store_line(V const& low, V const& high, index_t c, index_t all, index_t j, bf16* to) {
        Units::store_rounded(low, high, to + blocks::place(j, c, all) + j % 16 * 32);
    }

    /// The first `size` values of columns 0 .. n-1 of `from`, 64 a row, to the rows that row(column) names.
    template <class Row>
    MT_INLINE static void transposed(float const* from, index_t n, index_t size, Row row) {
        for (index_t c = 0; c < n; c += 16)
            for (index_t i = 0; i < size; i += 32) {
                V v[2][16];
                for (int h = 0; h < 2; ++h) {
                    for (int k = 0; k < 16; ++k) load_lanes<16>(from + (i + 16 * h + k) * tile + c, v[h][k]);
                    transpose_lanes(v[h]);
                }
                for (index_t r = 0; r < std::min<index_t>(16, n - c); ++r) {
                    auto* const to = row(c + r) + i;
                    store_values(v[0][r], v[1][r], std::min<index_t>(32, size - i), to);
                }
            }
    }
    MT_INLINE static void store_values(V const& low, V const& high, index_t n, bf16* to) {
        if (n == 32) return Units::store_rounded(low, high, to);
        alignas(64) bf16 all[32];
        Units::store_rounded(low, high, &all[0]);
        std::copy_n(all, n, to);
    }
    MT_INLINE static void store_values(V const& low, V const& high, index_t n, float* to) {
        alignas(64) V const all[2] = {low, high};
        std::copy_n(reinterpret_cast<float const*>(all), n, to);
    }
};

}  // namespace midtrain::inline MT_ABI::detail
