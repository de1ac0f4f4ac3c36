#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/gemm.hpp>
#include <midtrain/problem/grouped_gemm.hpp>
#include <midtrain/problem/scaled_gemm.hpp>

namespace midtrain::inline MT_ABI::op {

/// total += sums * (scale of a's row * scale of b's column), of one tile along k; from c or zero before the first, into c after the last.
/// One row a team.
template <class C>
struct add_scaled_tile {
    matrix_view<computed_t<C> const> sums;     // (rows, columns)
    matrix_view<computed_t<C>>       total;    // (rows, columns)
    matrix_view<C>                   c;        // (rows, columns)
    matrix_view<float const>         a_scale;  // (tiles of rows, 1): by strides whatever the operand
    matrix_view<float const>         b_scale;  // (tiles of columns, 1)
    int                              a_shift, b_shift;
    bool                             first, last, accumulate;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using W            = computed_t<C>;
        auto const  in     = sums.row(r).data;
        auto const  sum    = total.row(r).data;
        auto const  out    = c.row(r).data;
        W const     by     = W(a_scale(r >> a_shift, 0));
        auto const  scales = b_scale;
        int const   shift  = b_shift;
        bool const  begins = first, ends = last, adds = accumulate;
        team.each(c.columns, [=](index_t i) {
            W const before = !begins ? sum[i] : adds ? W(out[i]) : W(0);
            W const now    = before + in[i] * (by * W(scales(i >> shift, 0)));
            if (ends) out[i] = C(now);
            else sum[i] = now;
        });
    }
};

/// One value of such a product: row i of op(a) by column j of op(b).
template <class T>
MT_HOST_DEVICE computed_t<T> scaled_dot(scaled_matrix<T> const& a, operand a_is, index_t i, scaled_matrix<T> const& b, operand b_is,
                                        index_t j, index_t inner, index_t step) {
    using W = computed_t<T>;
    W total = 0;
    for (index_t k = 0; k < inner; k += step) {
        index_t const end = inner - k < step ? inner : k + step;
        W             sum = 0;
        for (index_t x = k; x < end; ++x)
            sum += W(a_is == operand::plain ? a.values(i, x) : a.values(x, i)) *
                   W(b_is == operand::plain ? b.values(x, j) : b.values(j, x));
        W const by_a = W(a_is == operand::plain ? a.scale(i, k) : a.scale(k, i));
        W const by_b = W(b_is == operand::plain ? b.scale(k, j) : b.scale(j, k));
        total += sum * (by_a * by_b);
    }
    return total;
}

/// The reference: one value of c each.
template <class T, class C>
struct scaled_grouped_product {
    scaled_grouped_gemm_problem<T, C> p;

    MT_HOST_DEVICE void operator()(index_t i) const {
        index_t const r = i / p.c.columns, column = i % p.c.columns, g = group_of_row(p.begin, r);
        if (g == p.groups()) return;
        index_t const inner = p.a.values.columns, step = p.a.column_shift == scaled_matrix<T>::whole ? inner : fp8_tile;
        p.c(r, column) = C(scaled_dot(p.a, operand::plain, r, p.matrix(g), p.b_is, column, inner, step));
    }
};

/// The reference: one value of c each.
template <class T, class C>
struct scaled_grouped_outer {
    scaled_grouped_outer_problem<T, C> p;

    MT_HOST_DEVICE void operator()(index_t i) const {
        index_t const m = p.a.values.columns, row = i / p.c.columns, column = i % p.c.columns, g = row / m;
        index_t const inner = p.begin[g + 1] - p.begin[g];
        if (inner <= 0) return;
        index_t const step = p.a.row_shift == scaled_matrix<T>::whole ? inner : fp8_tile;
        auto const    a = p.rows_of(p.a, g), b = p.rows_of(p.b, g);
        auto const    dot = scaled_dot(a, operand::transposed, row % m, b, operand::plain, column, inner, step);
        p.c(row, column)   = C(computed_t<C>(p.c(row, column)) + dot);
    }
};

namespace detail {

/// The scales of what is not summed over, in the tile along k that begins at k.
template <class T>
matrix_view<float const> scales_at(scaled_matrix<T> const& x, bool k_along_columns, index_t k) {
    auto const& s = x.scales;
    if (k_along_columns) return {s.data + (k >> x.column_shift), s.rows, 1, s.stride};
    return {s.data + (k >> x.row_shift) * s.stride, s.columns, 1, 1};
}

}  // namespace detail

}  // namespace midtrain::inline MT_ABI::op

namespace midtrain::inline MT_ABI {

/// Products of values by the device, tile by tile along k.
template <class Device, class T, class C>
void plain(Device& device, scaled_gemm_problem<T, C> const& p) {
    using W = computed_t<C>;
    bool const a_plain = p.a_is == operand::plain, b_plain = p.b_is == operand::plain;
    for (index_t r = 0; r < p.c.rows; r += scaled_gemm_rows) {
        index_t const n    = p.c.rows - r < scaled_gemm_rows ? p.c.rows - r : scaled_gemm_rows;
        auto const    sums = p.work.rows_part(0, n), total = p.work.rows_part(n, n);
        auto const    a    = a_plain ? p.a.rows_part(r, n) : p.a.columns_part(r, n);
        for (index_t k = 0; k < p.inner(); k += p.step()) {
            index_t const d     = p.inner() - k < p.step() ? p.inner() - k : p.step();
            auto const    left  = a_plain ? a.values.columns_part(k, d) : a.values.rows_part(k, d);
            auto const    right = b_plain ? p.b.values.rows_part(k, d) : p.b.values.columns_part(k, d);
            device.gemm(gemm_problem<T, T, W>{.a = left, .a_is = p.a_is, .b = right, .b_is = p.b_is, .c = sums});
            device.rows(n, op::add_scaled_tile<C>{.sums = sums, .total = total, .c = p.c.rows_part(r, n),
                                                  .a_scale = op::detail::scales_at(a, a_plain, k),
                                                  .b_scale = op::detail::scales_at(p.b, !b_plain, k),
                                                  .a_shift = a_plain ? a.row_shift : a.column_shift,
                                                  .b_shift = b_plain ? p.b.column_shift : p.b.row_shift,
                                                  .first = k == 0, .last = k + d == p.inner(), .accumulate = p.accumulate});
        }
    }
}
template <class Device, class T, class C>
void plain(Device& device, scaled_grouped_gemm_problem<T, C> const& p) {
    device.elements(p.c.rows * p.c.columns, op::scaled_grouped_product<T, C>{p});
}
template <class Device, class T, class C>
void plain(Device& device, scaled_grouped_outer_problem<T, C> const& p) {
    device.elements(p.c.rows * p.c.columns, op::scaled_grouped_outer<T, C>{p});
}

}  // namespace midtrain::inline MT_ABI
