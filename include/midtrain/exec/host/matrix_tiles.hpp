#pragma once
#include <type_traits>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/amx.hpp>
#include <midtrain/exec/host/lanes.hpp>
#include <midtrain/exec/host/matrix_blocks.hpp>
#include <midtrain/exec/host/tile_place.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

/// How packed_gemm multiplies bfloat16 with matrix units: tiles of 32 x 32 of c in four of theirs, which read two blocks of a and two of b for 32 terms.
template <class C, class Units = amx>
class matrix_tiles {
    using blocks  = matrix_blocks<Units>;
    using problem = gemm_problem<bf16, bf16, C>;

  public:
    using packed                   = bf16;
    static constexpr int     width = 32;
    static constexpr int     rows  = 32;
    static constexpr index_t depth = 1024;
    static constexpr index_t unit  = blocks::terms;
    static constexpr index_t block = 512 * 1024;
    static constexpr index_t near  = 320;  // most terms of rows that are read where they lie

    /// Whole rows with their terms beside each other are read where they lie, if they stay in the first cache beside a strip of b; what comes from the second
    /// cache is fetched in time only where it lies in one piece.
    MT_INLINE static auto left(problem const& p, index_t row, index_t m, index_t k, index_t d, bf16* a) {
        bool const        plain = p.a_is == operand::plain;
        bf16 const* const from  = plain ? &p.a(row, k) : &p.a(k, row);
        if (plain && m == rows && d == blocks::whole(d) && d <= near) return blocks::left_rows::in_place(from, p.a.stride);
        blocks::template pack_all<true>(plain, from, p.a.stride, m, d, rows, blocks::whole(d), a);
        return typename blocks::left_rows{a};
    }
    MT_INLINE static void pack_b(problem const& p, index_t k, index_t d, index_t column, index_t n, bf16* b) {
        bool const plain = p.b_is == operand::plain;
        blocks::template pack_all<false>(!plain, plain ? &p.b(k, column) : &p.b(column, k), p.b.stride, n, d, blocks::whole(n), blocks::whole(d), b);
    }

    MT_INLINE static void streamed() { Units::streamed(); }

    MT_INLINE static void multiply(index_t d, typename blocks::left_rows const& a, bf16 const* b, index_t m, index_t n, tile_place<C, float> const& c) {
        constexpr bool is_float = std::is_same_v<C, float>;
        bool const     whole    = m == rows && n == width;
        if (is_float && c.add) c.template prefetch<width>(m, width);
        // What the units themselves begin with and leave: sums that wait, or c where it has floats.
        if (whole && c.add_waiting) blocks::load_sums(c.waiting, c.waiting_stride);
        else if (is_float && whole && c.add) blocks::load_sums(reinterpret_cast<float*>(c.to), c.stride);
        else blocks::zero_sums();
        blocks::add_products(d, a, b);
        if (whole && c.leave_waiting) return blocks::store_sums(c.waiting, c.waiting_stride);
        if (is_float && whole && !c.past_caches) return blocks::store_sums(reinterpret_cast<float*>(c.to), c.stride);
        alignas(64) float sums[rows][width];
        blocks::store_sums(&sums[0][0], width);
        if (!whole) return c.take_part(m, n, &sums[0][0], width);
        if constexpr (is_float) {
            for (index_t i = 0; i < 2 * rows; ++i) {
                lanes_t<float, 16> v;
                load_lanes<16>(&sums[0][0] + 16 * i, v);
                Units::stream(v, c.to + i / 2 * c.stride + i % 2 * 16);
            }
            return;
        }
        auto rest        = c;
        rest.add_waiting = false;  // these came in with the tiles
        for (int i = 0; i < rows; ++i) {
            lanes_t<float, 16> low, high;
            load_lanes<16>(&sums[i][0], low), load_lanes<16>(&sums[i][16], high);
            if constexpr (std::is_same_v<C, bf16>) {
                if (!c.add) {
                    Units::store_rounded(low, high, c.to + i * c.stride);
                    continue;
                }
            }
            rest.template take<16>(i, 0, low), rest.template take<16>(i, 16, high);
        }
    }
};

}  // namespace midtrain::inline MT_ABI::detail
