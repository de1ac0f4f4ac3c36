#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/problem/grouped_gemm.hpp>

namespace midtrain::inline MT_ABI::op {

/// The reference: one value of c each.
template <class A, class B, class C>
struct grouped_product {
    grouped_gemm_problem<A, B, C> p;

    MT_HOST_DEVICE void operator()(index_t i) const {
        index_t const r = i / p.c.columns, column = i % p.c.columns, g = group_of_row(p.begin, r);
        if (g == p.groups()) return;
        auto const     b     = p.b.rows_part(g * p.matrix_rows(), p.matrix_rows());
        computed_t<C>  total = 0;
        for (index_t x = 0; x < p.a.columns; ++x)
            total += computed_t<C>(p.a(r, x)) * computed_t<C>(p.b_is == operand::plain ? b(x, column) : b(column, x));
        p.c(r, column) = C(total);
    }
};

/// The reference: one value of c each.
template <class A, class B, class C>
struct grouped_outer {
    grouped_outer_problem<A, B, C> p;

    MT_HOST_DEVICE void operator()(index_t i) const {
        index_t const row = i / p.c.columns, column = i % p.c.columns, g = row / p.a.columns;
        computed_t<C> total = computed_t<C>(p.c(row, column));
        for (index_t r = p.begin[g]; r < p.begin[g + 1]; ++r)
            total += computed_t<C>(p.a(r, row % p.a.columns)) * computed_t<C>(p.b(r, column));
        p.c(row, column) = C(total);
    }
};

}  // namespace midtrain::inline MT_ABI::op

namespace midtrain::inline MT_ABI {

template <class Device, class A, class B, class C>
void plain(Device& device, grouped_gemm_problem<A, B, C> const& p) {
    device.elements(p.c.rows * p.c.columns, op::grouped_product<A, B, C>{p});
}
template <class Device, class A, class B, class C>
void plain(Device& device, grouped_outer_problem<A, B, C> const& p) {
    device.elements(p.c.rows * p.c.columns, op::grouped_outer<A, B, C>{p});
}

}  // namespace midtrain::inline MT_ABI
