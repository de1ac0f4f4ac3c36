#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Which values share a scale before they become eight bits: all of a tensor, or those of a tile; none: products stay as they are.
enum class fp8_scaling { none, tensor, block };

/// How the operands of a product become eight bits.
struct fp8_form {
    fp8_scaling scaling        = fp8_scaling::none;
    bool        wide_gradients = false;  ///< gradients in e5m2 instead of e4m3
    bool        powers_of_two  = false;  ///< scales rounded up to powers of two (UE8M0)
};

/// Edge of a tile, in values: 1 x 128 of activations and gradients along what is summed over, 128 x 128 of weights (DeepSeek-V3, arXiv
/// 2412.19437, section 3.3.2). Tiles at an edge are smaller.
inline constexpr index_t fp8_tile = 128;

/// Values that eight bits hold, in a wider type T, and what they are to be multiplied by, one factor a tile.
template <class T>
struct scaled_matrix {
    static constexpr int one = 0, tile = 7, whole = 62;  ///< a tile's rows and columns are 2^shift of them

    matrix_view<T>     values;  // (rows, columns)
    matrix_view<float> scales;  // (tiles of rows, tiles of columns)
    int                row_shift = whole, column_shift = whole;

    MT_HOST_DEVICE constexpr float scale(index_t r, index_t c) const { return scales(r >> row_shift, c >> column_shift); }

    /// `first` is where a tile begins.
    MT_HOST_DEVICE constexpr scaled_matrix rows_part(index_t first, index_t n) const {
        return {values.rows_part(first, n), scales.rows_part(first >> row_shift, tiles(n, row_shift)), row_shift, column_shift};
    }
    MT_HOST_DEVICE constexpr scaled_matrix columns_part(index_t first, index_t n) const {
        return {values.columns_part(first, n), scales.columns_part(first >> column_shift, tiles(n, column_shift)), row_shift, column_shift};
    }
    MT_HOST_DEVICE static constexpr index_t tiles(index_t n, int shift) { return n > 0 ? ((n - 1) >> shift) + 1 : 0; }
};

}  // namespace midtrain::inline MT_ABI
