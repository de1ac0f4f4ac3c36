#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// A row of y is one of a, and one of b behind it. One row a team.
template <class T>
struct join_forward {
    matrix_view<T const> a, b;
    matrix_view<T>       y;  // (rows, a.columns + b.columns)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const to    = y.row(r).data;
        auto const first = a.row(r).data, second = b.row(r).data;
        auto const n     = a.columns;
        team.each(y.columns, [=](index_t i) { to[i] = i < n ? first[i] : second[i - n]; });
    }
};

/// Its gradient, added to da and db. One row a team.
template <class T>
struct join_backward {
    matrix_view<T const> dy;
    matrix_view<T>       da, db;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C          = computed_t<T>;
        auto const from  = dy.row(r).data;
        auto const first = da.row(r).data, second = db.row(r).data;
        auto const n     = da.columns;
        team.each(n, [=](index_t i) { first[i] = T(C(first[i]) + C(from[i])); });
        team.each(db.columns, [=](index_t i) { second[i] = T(C(second[i]) + C(from[n + i])); });
    }
};

}  // namespace midtrain::inline MT_ABI::op
