#pragma once
#include <algorithm>
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

    // [term / 32][row / 16][block]
    MT_INLINE static void pack_a(problem const& p, index_t row, index_t m, index_t k, index_t d, bf16* a) {
        bool const beside = p.a_is == operand::plain;
        for (index_t x = 0; x < d; x += unit)
            for (index_t i = 0; i < rows; i += 16)
                blocks::template pack<true>(beside, beside ? &p.a(row + i, k + x) : &p.a(k + x, row + i), p.a.stride, std::clamp<index_t>(m - i, 0, 16),
                                            std::min(unit, d - x), a + x * rows + i * unit);
    }
    // strips of 32 columns: [term / 32][column / 16][block]
    MT_INLINE static void pack_b(problem const& p, index_t k, index_t d, index_t column, index_t n, bf16* b) {
        bool const    beside = p.b_is == operand::transposed;
        index_t const whole  = (d + unit - 1) / unit * unit, wide = (n + width - 1) / width * width;
        for (index_t x = 0; x < d; x += unit)
            for (index_t s = 0; s < wide; s += 16)
                blocks::template pack<false>(beside, beside ? &p.b(column + s, k + x) : &p.b(k + x, column + s), p.b.stride, std::clamp<index_t>(n - s, 0, 16),
                                             std::min(unit, d - x), b + s / width * width * whole + x * width + s % width * unit);
    }

    MT_INLINE static void multiply(index_t d, bf16 const* a, bf16 const* b, index_t m, index_t n, tile_place<C, float> const& c) {
        bool const whole = m == rows && n == width;
        float*     floats = c.leave_waiting ? c.waiting : nullptr;  // where the units themselves leave the sums
        if constexpr (std::is_same_v<C, float>) floats = c.to;
        if (!whole) floats = nullptr;
        index_t const stride = c.leave_waiting ? c.waiting_stride : c.stride;
        bool const    adds   = whole && (floats ? c.leave_waiting ? c.add_waiting : c.add : c.add_waiting);
        if (adds) blocks::load_sums(floats ? floats : c.waiting, floats ? stride : c.waiting_stride);
        else blocks::zero_sums();
        blocks::add_products(d, a, b);
        if (floats) return blocks::store_sums(floats, stride);
        alignas(64) float sums[rows][width];
        blocks::store_sums(&sums[0][0], width);
        if (!whole) return c.take_part(m, n, &sums[0][0], width);
        auto rest        = c;
        rest.add_waiting = false;  // these came in with the tiles
        for (int i = 0; i < rows; ++i) {
            auto const &low = *reinterpret_cast<lanes_t<float, 16> const*>(&sums[i][0]), &high = *reinterpret_cast<lanes_t<float, 16> const*>(&sums[i][16]);
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
