#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::detail {

// 32 bytes of values that the compiler keeps in one register (two where registers are shorter), at any address.
typedef float  float_lanes __attribute__((vector_size(32), aligned(4), may_alias));
typedef double double_lanes __attribute__((vector_size(32), aligned(8), may_alias));

template <class C>
struct lanes_of;
template <>
struct lanes_of<float> {
    using type = float_lanes;
};
template <>
struct lanes_of<double> {
    using type = double_lanes;
};

/// `Rows` rows of two registers of c (+)= a b over `inner` terms. a(i, k) = a[i * a_row + k * a_inner]; b and c are row-major.
/// Four rows give the eight sums in flight that two multiply-add units of latency four need.
template <class C, int Rows>
inline void product_tile(index_t inner, C const* a, index_t a_row, index_t a_inner, C const* b, index_t ldb, C* c, index_t ldc,
                         bool accumulate) {
    using lanes          = typename lanes_of<C>::type;
    constexpr int  width = sizeof(lanes) / sizeof(C);
    lanes          left[Rows], right[Rows];
    for (int i = 0; i < Rows; ++i) {
        left[i]  = accumulate ? *reinterpret_cast<lanes const*>(c + i * ldc) : lanes{};
        right[i] = accumulate ? *reinterpret_cast<lanes const*>(c + i * ldc + width) : lanes{};
    }
    for (index_t k = 0; k < inner; ++k) {
        lanes const x = *reinterpret_cast<lanes const*>(b + k * ldb), y = *reinterpret_cast<lanes const*>(b + k * ldb + width);
        for (int i = 0; i < Rows; ++i) {
            C const s = a[i * a_row + k * a_inner];
            left[i] += s * x;
            right[i] += s * y;
        }
    }
    for (int i = 0; i < Rows; ++i) {
        *reinterpret_cast<lanes*>(c + i * ldc)         = left[i];
        *reinterpret_cast<lanes*>(c + i * ldc + width) = right[i];
    }
}

/// One value of c, for the columns that fill no register.
template <class C>
inline void product_value(index_t inner, C const* a, index_t a_inner, C const* b, index_t ldb, C* c, bool accumulate) {
    C total = accumulate ? *c : C(0);
    for (index_t k = 0; k < inner; ++k) total += a[k * a_inner] * b[k * ldb];
    *c = total;
}

/// c (rows x columns) = a b, or += with `accumulate`, for tiles that lie in the cache.
template <class C>
inline void small_product(index_t rows, index_t columns, index_t inner, C const* a, index_t a_row, index_t a_inner, C const* b,
                          index_t ldb, C* c, index_t ldc, bool accumulate) {
    constexpr index_t width = 64 / sizeof(C);
    index_t const     whole = columns / width * width, fours = rows / 4 * 4;
    for (index_t j = 0; j < whole; j += width) {
        for (index_t i = 0; i < fours; i += 4)
            product_tile<C, 4>(inner, a + i * a_row, a_row, a_inner, b + j, ldb, c + i * ldc + j, ldc, accumulate);
        for (index_t i = fours; i < rows; ++i)
            product_tile<C, 1>(inner, a + i * a_row, a_row, a_inner, b + j, ldb, c + i * ldc + j, ldc, accumulate);
    }
    for (index_t i = 0; i < rows; ++i)
        for (index_t j = whole; j < columns; ++j)
            product_value<C>(inner, a + i * a_row, a_inner, b + j, ldb, c + i * ldc + j, accumulate);
}

}  // namespace midtrain::inline MT_ABI::detail
