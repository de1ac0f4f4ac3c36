#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/pack.hpp>
#include <midtrain/core/view.hpp>

// Products of two tiles that lie in a block's shared memory, by warps. A `Warp` is 32 threads of a block that go together:
//   number()                 of this warp in its block
//   each(f)                  f(lane); on a GPU of the one lane that asks
//   of_lanes<V>              a V for each lane; on a GPU one V
//   of(v, lane)              that lane's
//   copy16(to, from, real)   16 bytes from memory to shared memory, or zeros: begun
//   commit(), wait<n>()      those begun since the last commit are a batch; all but the n newest batches are done
//   meet_block()             all warps have come here
//   load4<turned>(v, at)     four 8 x 8 matrices of bf16: at(lane) is where row lane % 8 of matrix lane / 8 begins (ldmatrix)
//   multiply(sum, a, b, h)   16 x 8 sums += 16 x 16 values of a by 16 x 8 of half h of b (mma.m16n8k16)
// On a GPU it is exec/cuda/op/cuda_warp.cuh; a test plays it, so that addresses and order are checked without a GPU.
namespace midtrain::inline MT_ABI::detail {

/// An operand's tile in shared memory: `across` values along its rows or columns of the result, and `depth` along the sum. By sums: the
/// values that are summed over lie side by side; else those across do. Rows are 16 bytes longer than they need, so that eight rows
/// one under the other, which are read at once, lie in all 32 banks.
template <class T, int across, int depth, bool by_sums>
struct shared_tile {
    static constexpr int chunk = 16 / sizeof(T), width = by_sums ? depth : across, height = by_sums ? across : depth;
    static constexpr int stride = width + chunk, size = height * stride;

    MT_HOST_DEVICE static constexpr int at(int i, int k) { return by_sums ? i * stride + k : k * stride + i; }
};

/// By tensor cores: bf16 in, sums in float. Eight warps, each 64 x 32 of 128 x 128.
struct tensor_math {
    using value = bf16;
    using sum   = float;
    static constexpr int rows = 128, columns = 128, depth = 32, warps = 8, stages = 3, down = 4, right = 4;

    /// The sums of a warp: 16 x 8 each, of which a lane has two of a row side by side and two of the row eight further down.
    template <class Warp>
    struct sums {
        typename Warp::template of_lanes<pack<float, 4>> at[down][right] = {};
    };

    template <bool a_by_sums, bool b_by_sums, class Warp>
    MT_HOST_DEVICE static void step(Warp const& warp, sums<Warp>& to, bf16 const* a, bf16 const* b) {
        using tile_a  = shared_tile<bf16, rows, depth, a_by_sums>;
        using tile_b  = shared_tile<bf16, columns, depth, b_by_sums>;
        int const row = first_row(warp.number()), column = first_column(warp.number());
        MT_UNROLL(4)
        for (int k = 0; k < depth; k += 16) {
            typename Warp::template of_lanes<pack<unsigned, 4>> x[down], y[right / 2];
            MT_UNROLL(4)
            for (int i = 0; i < down; ++i)
                warp.template load4<!a_by_sums>(x[i], [=](int lane) {  // upper left, lower left, upper right, lower right
                    int const further = lane / 8 % 2 * 8, deeper = lane / 16 * 8;
                    return a + tile_a::at(row + 16 * i + further + (a_by_sums ? lane % 8 : 0), k + deeper + (a_by_sums ? 0 : lane % 8));
                });
            MT_UNROLL(4)
            for (int j = 0; j < right / 2; ++j)
                warp.template load4<!b_by_sums>(y[j], [=](int lane) {  // both halves of the sum for eight columns, then for eight more
                    int const further = lane / 16 * 8, deeper = lane / 8 % 2 * 8;
                    return b + tile_b::at(column + 16 * j + further + (b_by_sums ? lane % 8 : 0), k + deeper + (b_by_sums ? 0 : lane % 8));
                });
            MT_UNROLL(4)
            for (int i = 0; i < down; ++i)
                MT_UNROLL(4)
                for (int j = 0; j < right; ++j) warp.multiply(to.at[i][j], x[i], y[j / 2], j % 2);
        }
    }
    /// f(row, column, sums side by side) for all of the warp's.
    template <class Warp, class F>
    MT_HOST_DEVICE static void each(Warp const& warp, sums<Warp> const& of, F f) {
        int const row = first_row(warp.number()), column = first_column(warp.number());
        warp.each([&](int lane) {
            MT_UNROLL(4)
            for (int i = 0; i < down; ++i)
                MT_UNROLL(4)
                for (int j = 0; j < right; ++j) {
                    auto const& v = warp.of(of.at[i][j], lane);
                    int const   r = row + 16 * i + lane / 4, c = column + 8 * j + lane % 4 * 2;
                    f(r, c, pack<float, 2>{{v[0], v[1]}});
                    f(r + 8, c, pack<float, 2>{{v[2], v[3]}});
                }
        });
    }

  private:
    MT_HOST_DEVICE static constexpr int first_row(int warp) { return warp / 4 * 64; }
    MT_HOST_DEVICE static constexpr int first_column(int warp) { return warp % 4 * 32; }
};

/// Without tensor cores, of float or double: eight warps, whose lanes make 4 x 4 sums each of 64 x 64.
template <class T>
struct lane_math {
    using value = T;
    using sum   = T;
    static constexpr int rows = 64, columns = 64, depth = 16, warps = 8, stages = 2;

    template <class Warp>
    struct sums {
        typename Warp::template of_lanes<pack<T, 16>> at = {};
    };

    template <bool a_by_sums, bool b_by_sums, class Warp>
    MT_HOST_DEVICE static void step(Warp const& warp, sums<Warp>& to, T const* a, T const* b) {
        using tile_a = shared_tile<T, rows, depth, a_by_sums>;
        using tile_b = shared_tile<T, columns, depth, b_by_sums>;
        warp.each([&](int lane) {
            int const row = first_row(warp.number(), lane), column = lane % 16;
            auto&     s   = warp.of(to.at, lane);
            MT_UNROLL(4)
            for (int k = 0; k < depth; ++k) {
                T x[4], y[4];
                for (int i = 0; i < 4; ++i) x[i] = a[tile_a::at(row + i, k)];
                for (int j = 0; j < 4; ++j) y[j] = b[tile_b::at(column + 16 * j, k)];
                for (int i = 0; i < 4; ++i)
                    for (int j = 0; j < 4; ++j) s[4 * i + j] += x[i] * y[j];
            }
        });
    }
    template <class Warp, class F>
    MT_HOST_DEVICE static void each(Warp const& warp, sums<Warp> const& of, F f) {
        warp.each([&](int lane) {
            auto const& s = warp.of(of.at, lane);
            for (int i = 0; i < 4; ++i)
                for (int j = 0; j < 4; ++j) f(first_row(warp.number(), lane) + i, lane % 16 + 16 * j, pack<T, 1>{{s[4 * i + j]}});
        });
    }

  private:
    MT_HOST_DEVICE static constexpr int first_row(int warp, int lane) { return (warp * 2 + lane / 16) * 4; }
};

}  // namespace midtrain::inline MT_ABI::detail
