#pragma once
#include <midtrain/core/types.hpp>
#include <midtrain/exec/host/lanes.hpp>

namespace midtrain::inline MT_ABI::detail {

/// `rows` rows of two registers of c (+)= a b over `inner` terms. a(i, k) = a[i * a_row + k * a_inner]; b and c are row-major.
template <int size, int rows, class C>
MT_INLINE void product_tile(index_t inner, C const* a, index_t a_row, index_t a_inner, C const* b, index_t ldb, C* c, index_t ldc, bool accumulate) {
    using V = lanes_t<C, size>;
    V left[rows], right[rows];
    MT_UNROLL(16)
    for (int i = 0; i < rows; ++i) {
        left[i]  = accumulate ? *reinterpret_cast<V const*>(c + i * ldc) : V{};
        right[i] = accumulate ? *reinterpret_cast<V const*>(c + i * ldc + size) : V{};
    }
    for (index_t k = 0; k < inner; ++k) {
        V const x = *reinterpret_cast<V const*>(b + k * ldb), y = *reinterpret_cast<V const*>(b + k * ldb + size);
        MT_UNROLL(16)
        for (int i = 0; i < rows; ++i) {
            C const s = a[i * a_row + k * a_inner];
            left[i] += s * x;
            right[i] += s * y;
        }
    }
    MT_UNROLL(16)
    for (int i = 0; i < rows; ++i) {
        *reinterpret_cast<V*>(c + i * ldc)        = left[i];
        *reinterpret_cast<V*>(c + i * ldc + size) = right[i];
    }
}

/// One value of c, for the columns that fill no register of any length.
template <class C>
MT_INLINE void product_value(index_t inner, C const* a, index_t a_inner, C const* b, index_t ldb, C* c, bool accumulate) {
    C total = accumulate ? *c : C(0);
    for (index_t k = 0; k < inner; ++k) total += a[k * a_inner] * b[k * ldb];
    *c = total;
}

/// c (rows x columns) = a b, or += with `accumulate`, for tiles that lie in the cache, with registers of `bytes`.
template <int bytes, class C>
MT_INLINE void small_product(index_t rows, index_t columns, index_t inner, C const* a, index_t a_row, index_t a_inner, C const* b, index_t ldb, C* c,
                             index_t ldc, bool accumulate) {
    constexpr int     size = bytes / sizeof(C), many = bytes == 64 ? 8 : 4;  // sums in flight: for two multiply-add units of latency four
    constexpr index_t width = 2 * size;
    index_t const     whole = columns / width * width, groups = rows / many * many;
    for (index_t j = 0; j < whole; j += width) {
        for (index_t i = 0; i < groups; i += many)
            product_tile<size, many>(inner, a + i * a_row, a_row, a_inner, b + j, ldb, c + i * ldc + j, ldc, accumulate);
        for (index_t i = groups; i < rows; ++i)
            product_tile<size, 1>(inner, a + i * a_row, a_row, a_inner, b + j, ldb, c + i * ldc + j, ldc, accumulate);
    }
    if (whole == columns) return;
    if constexpr (bytes > 16) {
        small_product<bytes / 2>(rows, columns - whole, inner, a, a_row, a_inner, b + whole, ldb, c + whole, ldc, accumulate);
    } else {
        for (index_t i = 0; i < rows; ++i)
            for (index_t j = whole; j < columns; ++j) product_value<C>(inner, a + i * a_row, a_inner, b + j, ldb, c + i * ldc + j, accumulate);
    }
}

}  // namespace midtrain::inline MT_ABI::detail
