#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::detail {

/// One tile of c (4 x Width) += a b over `inner` terms, the tile held in registers.
/// a(i, k) = a[i * a_row + k * a_inner]; b and c are row-major.
template <class C, int Width, int Rows>
inline void product_tile(index_t inner, C const* MT_RESTRICT a, index_t a_row, index_t a_inner, C const* MT_RESTRICT b,
                         index_t ldb, C* MT_RESTRICT c, index_t ldc, bool accumulate) {
    C tile[Rows][Width];
    for (int i = 0; i < Rows; ++i)
        for (int j = 0; j < Width; ++j) tile[i][j] = accumulate ? c[i * ldc + j] : C(0);
    for (index_t k = 0; k < inner; ++k) {
        C const* const row = b + k * ldb;
        for (int i = 0; i < Rows; ++i) {
            C const left = a[i * a_row + k * a_inner];
            for (int j = 0; j < Width; ++j) tile[i][j] += left * row[j];
        }
    }
    for (int i = 0; i < Rows; ++i)
        for (int j = 0; j < Width; ++j) c[i * ldc + j] = tile[i][j];
}

/// A column of tiles, four rows at a time.
template <class C, int Width>
inline void product_strip(index_t rows, index_t inner, C const* a, index_t a_row, index_t a_inner, C const* b, index_t ldb, C* c,
                          index_t ldc, bool accumulate) {
    index_t i = 0;
    for (; i + 4 <= rows; i += 4)
        product_tile<C, Width, 4>(inner, a + i * a_row, a_row, a_inner, b, ldb, c + i * ldc, ldc, accumulate);
    for (; i < rows; ++i)
        product_tile<C, Width, 1>(inner, a + i * a_row, a_row, a_inner, b, ldb, c + i * ldc, ldc, accumulate);
}

/// c (rows x columns) = a b, or += with `accumulate`, for tiles that lie in the cache.
template <class C>
inline void small_product(index_t rows, index_t columns, index_t inner, C const* a, index_t a_row, index_t a_inner, C const* b,
                          index_t ldb, C* c, index_t ldc, bool accumulate) {
    index_t const whole = columns / 16 * 16;
    for (index_t j = 0; j < whole; j += 16) product_strip<C, 16>(rows, inner, a, a_row, a_inner, b + j, ldb, c + j, ldc, accumulate);
    for (index_t j = whole; j < columns; ++j) product_strip<C, 1>(rows, inner, a, a_row, a_inner, b + j, ldb, c + j, ldc, accumulate);
}

}  // namespace midtrain::inline MT_ABI::detail
