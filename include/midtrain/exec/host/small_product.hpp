#pragma once
#include <midtrain/core/types.hpp>
#include <midtrain/exec/host/lanes.hpp>

namespace midtrain::inline MT_ABI::detail {

/// `rows` rows of `registers` registers of c (+)= a b over `inner` terms. a(i, k) = a[i * a_row + k * a_inner]; b and c are row-major.
template <int size, int registers, int rows, class C>
MT_INLINE void product_tile(index_t inner, C const* a, index_t a_row, index_t a_inner, C const* b, index_t ldb, C* c, index_t ldc, bool accumulate) {
    using V = lanes_t<C, size>;
    using M = lanes_in_memory<C, size>;
    V sum[rows][registers];
    MT_UNROLL(16)
    for (int i = 0; i < rows; ++i)
        MT_UNROLL(3)
        for (int j = 0; j < registers; ++j) sum[i][j] = accumulate ? *reinterpret_cast<M const*>(c + i * ldc + j * size) : V{};
    for (index_t k = 0; k < inner; ++k) {
        V right[registers];
        MT_UNROLL(3)
        for (int j = 0; j < registers; ++j) right[j] = *reinterpret_cast<M const*>(b + k * ldb + j * size);
        MT_UNROLL(16)
        for (int i = 0; i < rows; ++i) {
            C const s = a[i * a_row + k * a_inner];
            MT_UNROLL(3)
            for (int j = 0; j < registers; ++j) sum[i][j] += s * right[j];
        }
    }
    MT_UNROLL(16)
    for (int i = 0; i < rows; ++i)
        MT_UNROLL(3)
        for (int j = 0; j < registers; ++j) *reinterpret_cast<M*>(c + i * ldc + j * size) = sum[i][j];
}

/// All rows of `registers` registers of c, `many` of them at a time.
template <int size, int registers, int many, class C>
MT_INLINE void product_columns(index_t rows, index_t inner, C const* a, index_t a_row, index_t a_inner, C const* b, index_t ldb, C* c, index_t ldc, bool accumulate) {
    index_t i = 0;
    for (; i + many <= rows; i += many) product_tile<size, registers, many>(inner, a + i * a_row, a_row, a_inner, b, ldb, c + i * ldc, ldc, accumulate);
    for (; i < rows; ++i) product_tile<size, registers, 1>(inner, a + i * a_row, a_row, a_inner, b, ldb, c + i * ldc, ldc, accumulate);
}

/// c's columns that do not fill a register twice as long: one register, then half a one, and what fills none of any length by single values.
template <int bytes, class C>
MT_INLINE void narrow_product(index_t rows, index_t columns, index_t inner, C const* a, index_t a_row, index_t a_inner, C const* b, index_t ldb, C* c,
                              index_t ldc, bool accumulate) {
    if constexpr (bytes < 16) {
        for (index_t i = 0; i < rows; ++i)
            for (index_t j = 0; j < columns; ++j) {
                C total = accumulate ? c[i * ldc + j] : C(0);
                for (index_t k = 0; k < inner; ++k) total += a[i * a_row + k * a_inner] * b[k * ldb + j];
                c[i * ldc + j] = total;
            }
    } else {
        constexpr int size = bytes / sizeof(C);
        index_t const done = columns >= size ? size : 0;
        if (done > 0) product_columns<size, 1, 8>(rows, inner, a, a_row, a_inner, b, ldb, c, ldc, accumulate);
        if (done < columns) narrow_product<bytes / 2>(rows, columns - done, inner, a, a_row, a_inner, b + done, ldb, c + done, ldc, accumulate);
    }
}

/// c (rows x columns) = a b, or += with `accumulate`, for tiles that lie in the cache, with registers of `bytes`.
template <int bytes, class C>
MT_INLINE void small_product(index_t rows, index_t columns, index_t inner, C const* a, index_t a_row, index_t a_inner, C const* b, index_t ldb, C* c,
                             index_t ldc, bool accumulate) {
    constexpr int size = bytes / sizeof(C), many = bytes == 64 ? 8 : 4;  // rows: sums in flight for two multiply-add units of latency four
    index_t       j    = 0;
    for (; columns - j >= 4 * size || (columns - j >= 2 * size && columns - j < 3 * size); j += 2 * size)
        product_columns<size, 2, many>(rows, inner, a, a_row, a_inner, b + j, ldb, c + j, ldc, accumulate);
    if (columns - j >= 3 * size) {
        product_columns<size, 3, many>(rows, inner, a, a_row, a_inner, b + j, ldb, c + j, ldc, accumulate);
        j += 3 * size;
    }
    if (j < columns) narrow_product<bytes>(rows, columns - j, inner, a, a_row, a_inner, b + j, ldb, c + j, ldc, accumulate);
}

}  // namespace midtrain::inline MT_ABI::detail
