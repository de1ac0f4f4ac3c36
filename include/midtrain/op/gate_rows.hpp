#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/each_value.hpp>
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
        using C   = computed_t<T>;
        C const w = logistic(gate[r]);
        each_value(team, y.columns, [=](C& to, C u) { to = w * u; }, writes{y.row(r).data}, reads{x.row(r).data});
    }
    index_t row_width() const { return y.columns; }
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
        C const dot  = reduce_values(team, x.columns, sum{}, [](C g, C u) { return g * u; }, reads{d}, reads{v});
        if (team.leads()) dgate[r] = T(dot * w * (C(1) - w));
        each_value(team, x.columns, [=](C& to, C g) { to = w * g; }, writes{v}, reads{d});
    }
    index_t row_width() const { return x.columns; }
};

}  // namespace midtrain::inline MT_ABI::op
