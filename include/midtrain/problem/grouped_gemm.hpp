#pragma once
#include <cstdint>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI {

/// The group of a row among groups that begin where `begin` (groups + 1) says; the number of groups for a row behind the last.
MT_HOST_DEVICE constexpr index_t group_of_row(row_view<std::int32_t const> begin, index_t row) {
    index_t const groups = begin.size() - 1;
    if (row >= begin[groups]) return groups;
    index_t low = 0, high = groups;  // begin[low] <= row < begin[high]
    while (high - low > 1) {
        index_t const mid                = (low + high) / 2;
        (begin[mid] <= row ? low : high) = mid;
    }
    return low;
}

/// Rows cut into groups, each with a matrix of its own: c(r) = a(r) op(b_g) for the rows r of group g, begin[g] .. begin[g + 1] - 1. Only
/// the device knows the groups; there are at most a.rows rows in them, and those of c behind the last group stay as they are.
/// b holds one matrix under the other: op(b_g) is (k, c.columns).
template <class A, class B, class C>
struct grouped_gemm_problem {
    matrix_view<A const>         a;      // (rows, k)
    matrix_view<B const>         b;      // (groups * k, columns), or transposed (groups * columns, k)
    operand                      b_is = operand::plain;
    matrix_view<C>               c;      // (rows, columns)
    row_view<std::int32_t const> begin;  // (groups + 1)

    MT_HOST_DEVICE constexpr index_t groups() const { return begin.size() - 1; }
    MT_HOST_DEVICE constexpr index_t matrix_rows() const { return b_is == operand::plain ? a.columns : c.columns; }
};

/// The gradient of those matrices: c_g += a_g^T b_g over the rows of group g, where c holds one matrix (a.columns, b.columns) under the
/// other.
template <class A, class B, class C>
struct grouped_outer_problem {
    matrix_view<A const>         a;      // (rows, m)
    matrix_view<B const>         b;      // (rows, n)
    matrix_view<C>               c;      // (groups * m, n)
    row_view<std::int32_t const> begin;  // (groups + 1)

    MT_HOST_DEVICE constexpr index_t groups() const { return begin.size() - 1; }
};

}  // namespace midtrain::inline MT_ABI
