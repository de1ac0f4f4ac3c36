#pragma once
#include <type_traits>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// n values side by side. Points, never owns.
template <class T>
struct row_view {
    T*      data  = nullptr;
    index_t count = 0;

    MT_HOST_DEVICE constexpr index_t size() const { return count; }
    MT_HOST_DEVICE constexpr T&      operator[](index_t i) const {
        MT_EXPECT(0 <= i && i < count);
        return data[i];
    }
    MT_HOST_DEVICE constexpr T* begin() const { return data; }
    MT_HOST_DEVICE constexpr T* end() const { return data + count; }
    MT_HOST_DEVICE constexpr row_view part(index_t first, index_t n) const { return {data + first, n}; }
    template <class U>  // deduced, since nvcc warns of a plain conversion to oneself
        requires(std::is_same_v<U, T> && !std::is_const_v<T>)
    MT_HOST_DEVICE constexpr operator row_view<U const>() const
    {
        return {data, count};
    }
};

/// rows x columns values, rows `stride` values apart. Points, never owns.
template <class T>
struct matrix_view {
    T*      data    = nullptr;
    index_t rows    = 0;
    index_t columns = 0;
    index_t stride  = 0;

    MT_HOST_DEVICE constexpr row_view<T> row(index_t r) const {
        MT_EXPECT(0 <= r && r < rows);
        return {data + r * stride, columns};
    }
    MT_HOST_DEVICE constexpr T& operator()(index_t r, index_t c) const { return data[r * stride + c]; }
    MT_HOST_DEVICE constexpr index_t     size() const { return rows * columns; }
    MT_HOST_DEVICE constexpr matrix_view rows_part(index_t first, index_t n) const {
        return {data + first * stride, n, columns, stride};
    }
    MT_HOST_DEVICE constexpr matrix_view columns_part(index_t first, index_t n) const {
        return {data + first, rows, n, stride};
    }
    MT_HOST_DEVICE constexpr row_view<T> flat() const {
        MT_EXPECT(stride == columns);
        return {data, rows * columns};
    }
    template <class U>  // deduced, since nvcc warns of a plain conversion to oneself
        requires(std::is_same_v<U, T> && !std::is_const_v<T>)
    MT_HOST_DEVICE constexpr operator matrix_view<U const>() const
    {
        return {data, rows, columns, stride};
    }
};

/// A dense matrix over `data`.
template <class T>
MT_HOST_DEVICE constexpr matrix_view<T> as_matrix(T* data, index_t rows, index_t columns) {
    return {data, rows, columns, columns};
}

}  // namespace midtrain::inline MT_ABI
