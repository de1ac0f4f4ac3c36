#pragma once
#include <midtrain/core/fp8.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/fp8_form.hpp>

// Products of operands that are stored as eight bits, as hardware wants them: the values that are summed over lie side by side.
namespace midtrain::inline MT_ABI {

/// What has one scale: everything, 128 values along the sum of one row, or a tile of 128 x 128.
enum class fp8_scale_of { all, run, square };

/// Values (rows, k) in the eight-bit type F and what they are to be multiplied by. Scales of runs lie (tiles of k, rows), those of squares
/// (tiles of rows, tiles of k rounded up to four), as cuBLASLt reads them.
template <class F>
struct fp8_matrix {
    matrix_view<F>  values;
    row_view<float> scales;
    fp8_scale_of    each;

    MT_HOST_DEVICE static constexpr index_t tiles(index_t n) { return (n + fp8_tile - 1) / fp8_tile; }
    MT_HOST_DEVICE static constexpr index_t scale_count(fp8_scale_of each, index_t rows, index_t k) {
        return each == fp8_scale_of::all ? 1 : each == fp8_scale_of::run ? tiles(k) * rows : tiles(rows) * square_stride(k);
    }
    MT_HOST_DEVICE constexpr float& scale(index_t r, index_t k) const {
        if (each == fp8_scale_of::all) return scales.data[0];
        if (each == fp8_scale_of::run) return scales.data[k / fp8_tile * values.rows + r];
        return scales.data[r / fp8_tile * square_stride(values.columns) + k / fp8_tile];
    }

  private:
    MT_HOST_DEVICE static constexpr index_t square_stride(index_t k) { return (tiles(k) + 3) / 4 * 4; }
};

/// c = a b^T + beta * c, with beta 0 or 1. Sums are in float, of each tile along k before its scales.
template <class A, class B, class C>
struct fp8_gemm_problem {
    fp8_matrix<A>  a;  // (c.rows, k)
    fp8_matrix<B>  b;  // (c.columns, k)
    matrix_view<C> c;
    bool           accumulate = false;
};

}  // namespace midtrain::inline MT_ABI
