#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/fp8_form.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI {

/// Rows of c that a scaled product computes at a time; its work has so many, or all of them.
inline constexpr index_t scaled_gemm_rows = 512;

/// c = op(a) op(b) + beta * c of operands with scales: for each tile along k the sum of the values' products in float, times both scales;
/// these are added in float in the order of k (DeepSeek-V3, arXiv 2412.19437, section 3.3.2, equation by tiles of 128).
/// Tiles of both operands have the same size along k.
template <class T, class C>
struct scaled_gemm_problem {
    scaled_matrix<T>           a;
    operand                    a_is = operand::plain;
    scaled_matrix<T>           b;
    operand                    b_is = operand::plain;
    matrix_view<C>             c;
    bool                       accumulate = false;
    matrix_view<computed_t<C>> work;  // (2 min(scaled_gemm_rows, c.rows), c.columns)

    constexpr index_t inner() const { return a_is == operand::plain ? a.values.columns : a.values.rows; }
    constexpr index_t step() const {
        int const shift = a_is == operand::plain ? a.column_shift : a.row_shift;
        return inner() >> shift > 0 ? index_t{1} << shift : inner();
    }
};

/// Tiles of 128 along rows that are cut into groups, none of them in two groups: where group g's begin. Some tiles stay unused.
struct group_tiles {
    row_view<std::int32_t const> begin;  // (groups + 1)

    MT_HOST_DEVICE constexpr index_t groups() const { return begin.size() - 1; }
    MT_HOST_DEVICE constexpr index_t first(index_t g) const { return begin[g] / fp8_tile + g; }
    /// Room for all of them, whatever the groups of so many rows.
    static constexpr index_t count(index_t rows, index_t groups) { return rows / fp8_tile + groups; }
};

/// The grouped_gemm_problem of operands with scales. b's tiles begin anew in each matrix; those of a are one row high, or whole.
template <class T, class C>
struct scaled_grouped_gemm_problem {
    scaled_matrix<T>             a;  // (rows, k)
    scaled_matrix<T>             b;  // (groups * k, columns), or transposed (groups * columns, k)
    operand                      b_is = operand::plain;
    matrix_view<C>               c;      // (rows, columns)
    row_view<std::int32_t const> begin;  // (groups + 1)
    matrix_view<computed_t<C>>   work;   // as of scaled_gemm_problem

    MT_HOST_DEVICE constexpr index_t groups() const { return begin.size() - 1; }
    MT_HOST_DEVICE constexpr scaled_matrix<T> matrix(index_t g) const {
        index_t const rows = b_is == operand::plain ? a.values.columns : c.columns, tiles = b.scales.rows / groups();
        return {b.values.rows_part(g * rows, rows), b.scales.rows_part(g * tiles, tiles), b.row_shift, b.column_shift};
    }
    MT_HOST_DEVICE constexpr scaled_matrix<T> rows_of(index_t g) const { return a.rows_part(begin[g], begin[g + 1] - begin[g]); }
};

/// The grouped_outer_problem of operands with scales, whose tiles along the rows are group_tiles, or whole.
template <class T, class C>
struct scaled_grouped_outer_problem {
    scaled_matrix<T>             a;      // (rows, m)
    scaled_matrix<T>             b;      // (rows, n)
    matrix_view<C>               c;      // (groups * m, n), added to
    row_view<std::int32_t const> begin;  // (groups + 1)
    matrix_view<computed_t<C>>   work;   // as of scaled_gemm_problem, for m rows

    MT_HOST_DEVICE constexpr index_t groups() const { return begin.size() - 1; }
    MT_HOST_DEVICE constexpr scaled_matrix<T> rows_of(scaled_matrix<T> const& x, index_t g) const {
        index_t const n = begin[g + 1] - begin[g], first = x.row_shift == scaled_matrix<T>::whole ? 0 : group_tiles{begin}.first(g);
        return {x.values.rows_part(begin[g], n), x.scales.rows_part(first, scaled_matrix<T>::tiles(n, x.row_shift)), x.row_shift,
                x.column_shift};
    }
};

}  // namespace midtrain::inline MT_ABI
