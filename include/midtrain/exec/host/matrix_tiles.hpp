#pragma once
#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/amx.hpp>
#include <midtrain/exec/host/lanes.hpp>
#include <midtrain/exec/host/tile_place.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

/// How packed_gemm multiplies bfloat16 with matrix units: tiles of 32 x 32 of c in four of theirs, which read two of a and two of b for 32 terms. Blocks of 16
/// rows or columns by 32 terms are packed as the units read them: of a a row has its 32 terms, of b two terms have their 16 columns.
template <class C, class Units = amx>
class matrix_tiles {
    using V       = lanes_t<float, 16>;
    using words   = lanes_t<std::uint32_t, 16>;
    using halves  = lanes_t<std::uint16_t, 16>;
    using problem = gemm_problem<bf16, bf16, C>;

  public:
    using packed                    = bf16;
    using session                   = typename Units::session;
    static constexpr int     width  = 32;
    static constexpr int     rows   = 32;
    static constexpr index_t depth  = 1024;
    static constexpr index_t unit   = 32;
    static constexpr index_t across = 512;

    // [term / 32][row / 16][row % 16][term % 32]
    MT_INLINE static void pack_a(problem const& p, index_t row, index_t m, index_t k, index_t d, bf16* a) {
        bool const beside = p.a_is == operand::plain;
        for (index_t x = 0; x < d; x += unit)
            for (index_t i = 0; i < rows; i += 16)
                block<true>(beside, beside ? &p.a(row + i, k + x) : &p.a(k + x, row + i), p.a.stride, std::clamp<index_t>(m - i, 0, 16), std::min(unit, d - x),
                            a + x * rows + i * unit);
    }
    // strips of 32 columns: [term / 32][column / 16][term % 32 / 2][column % 16][term % 2]
    MT_INLINE static void pack_b(problem const& p, index_t k, index_t d, index_t column, index_t n, bf16* b) {
        bool const    beside = p.b_is == operand::transposed;
        index_t const whole  = (d + unit - 1) / unit * unit;
        for (index_t x = 0; x < d; x += unit)
            for (index_t s = 0; s < n; s += 16)
                block<false>(beside, beside ? &p.b(column + s, k + x) : &p.b(k + x, column + s), p.b.stride, std::min<index_t>(16, n - s), std::min(unit, d - x),
                             b + s / width * width * whole + x * width + s % width * unit);
    }

    MT_INLINE static void multiply(index_t d, bf16 const* a, bf16 const* b, index_t m, index_t n, tile_place<C, float> const& c) {
        bool const whole = m == rows && n == width;
        float*     floats = c.leave_waiting ? c.waiting : nullptr;  // where the units themselves leave the sums
        if constexpr (std::is_same_v<C, float>) floats = c.to;
        if (!whole) floats = nullptr;
        index_t const stride = c.leave_waiting ? c.waiting_stride : c.stride;
        bool const    adds   = whole && (floats ? c.leave_waiting ? c.add_waiting : c.add : c.add_waiting);
        if (adds) each_tile<takes>(floats ? floats : c.waiting, 4 * (floats ? stride : c.waiting_stride));
        else Units::template zero<0>(), Units::template zero<1>(), Units::template zero<2>(), Units::template zero<3>();
        for (index_t x = 0; x < d; x += unit, a += rows * unit, b += width * unit) {
            Units::template load<4>(a, 64), Units::template load<6>(b, 64), Units::template load<7>(b + 16 * unit, 64), Units::template load<5>(a + 16 * unit, 64);
            Units::template multiply<0, 4, 6>(), Units::template multiply<1, 4, 7>(), Units::template multiply<2, 5, 6>(), Units::template multiply<3, 5, 7>();
        }
        if (floats) return each_tile<leaves>(floats, 4 * stride);
        alignas(64) float sums[rows][width];
        each_tile<leaves>(&sums[0][0], 4 * width);
        if (!whole) return c.take_part(m, n, &sums[0][0], width);
        auto rest        = c;
        rest.add_waiting = false;  // these came in with the tiles
        for (int i = 0; i < rows; ++i) {
            V const &low = *reinterpret_cast<V const*>(&sums[i][0]), &high = *reinterpret_cast<V const*>(&sums[i][16]);
            if constexpr (std::is_same_v<C, bf16>) {
                if (!c.add) {
                    Units::store_rounded(low, high, c.to + i * c.stride);
                    continue;
                }
            }
            rest.template take<16>(i, 0, low), rest.template take<16>(i, 16, high);
        }
    }

  private:
    /// A block of `n` lines, rows of a or columns of b, of `d` terms, those beyond them zero. `beside`: the terms of a line are beside each other in memory,
    /// else those of all lines are. by_line: packed as a is.
    template <bool by_line>
    MT_INLINE static void block(bool beside, bf16 const* from, index_t stride, index_t n, index_t d, bf16* to) {
        alignas(64) bf16 part[16 * unit];
        if (n < 16 || d < unit) {
            index_t const all = beside ? unit : 16;
            std::fill_n(part, 16 * unit, bf16{});
            for (index_t i = 0; i < (beside ? n : d); ++i) std::copy_n(from + i * stride, beside ? d : n, part + i * all);
            from = part, stride = all;
        }
        words v[16];
        MT_UNROLL(16)
        for (int i = 0; i < 16; ++i) {
            if (beside) {
                v[i] = *reinterpret_cast<words const*>(from + i * stride);
            } else {
                bf16 const* const pair = from + 2 * i * stride;
                v[i] = __builtin_convertvector(*reinterpret_cast<halves const*>(pair), words) |
                       __builtin_convertvector(*reinterpret_cast<halves const*>(pair + stride), words) << 16;
            }
        }
        if (beside != by_line) transpose_lanes(v);
        MT_UNROLL(16)
        for (int i = 0; i < 16; ++i) *reinterpret_cast<words*>(to + i * unit) = v[i];
    }

    struct takes {
        template <int tile>
        MT_INLINE static void of(float* at, index_t stride) { Units::template load<tile>(at, stride); }
    };
    struct leaves {
        template <int tile>
        MT_INLINE static void of(float* at, index_t stride) { Units::template store<tile>(at, stride); }
    };
    /// The four tiles of c, where they lie among floats with rows `stride` bytes apart.
    template <class F>
    MT_INLINE static void each_tile(float* at, index_t stride) {
        F::template of<0>(at, stride);
        F::template of<1>(at + 16, stride);
        F::template of<2>(at + 4 * stride, stride);
        F::template of<3>(at + 4 * stride + 16, stride);
    }
};

}  // namespace midtrain::inline MT_ABI::detail
