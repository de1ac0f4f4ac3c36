#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// y(r) = sigmoid(gate(r)) x(r). One row a team.
template <class T>
struct gate_rows_forward {
    matrix_view<T const>          x;     // (rows, width)
    row_view<computed_t<T> const> gate;  // (rows)
    matrix_view<T>                y;     // (rows, width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const          in  = x.row(r).data;
        auto const          out = y.row(r).data;
        computed_t<T> const w   = logistic(gate[r]);
        team.each(y.columns, [=](index_t i) { out[i] = T(w * computed_t<T>(in[i])); });
    }
};

/// Of that: x becomes its gradient, and dgate that of the gate. One row a team.
template <class T>
struct gate_rows_backward {
    matrix_view<T>                x;      // (rows, width)
    row_view<computed_t<T> const> gate;   // (rows)
    matrix_view<T const>          dy;     // (rows, width)
    row_view<T>                   dgate;  // (rows)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C      = computed_t<T>;
        auto const v = x.row(r).data;
        auto const d = dy.row(r).data;
        C const    w = logistic(gate[r]);
        C const dot  = team.reduce(x.columns, sum{}, [=](index_t i) { return C(d[i]) * C(v[i]); });
        if (team.leads()) dgate[r] = T(dot * w * (C(1) - w));
        team.each(x.columns, [=](index_t i) { v[i] = T(w * C(d[i])); });
    }
};

}  // namespace midtrain::inline MT_ABI::op
