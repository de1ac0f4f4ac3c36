#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/op/expert_order.hpp>

// What happens to rows between tokens and experts. A row of `order` is one token at one of its experts.
namespace midtrain::inline MT_ABI::op {

/// y(r) = x(token of row r). One row a team.
template <class T>
struct gather_rows {
    matrix_view<T const> x;  // (tokens, width)
    expert_order         order;
    index_t              chosen;
    matrix_view<T>       y;  // (choices, width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        if (r >= order.begin[order.experts()]) return;
        auto const from = x.row(order.choice[r] / chosen).data;
        auto const to   = y.row(r).data;
        team.each(y.columns, [=](index_t i) { to[i] = from[i]; });
    }
};

/// y(t) += the sum of x over the rows of token t, in the order of its choices. One token a team.
template <class T>
struct add_rows {
    matrix_view<T const> x;  // (choices, width)
    expert_order         order;
    index_t              chosen;
    matrix_view<T>       y;  // (tokens, width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const    in    = x;
        auto const    to    = y.row(t).data;
        auto const    place = order.place.data + t * chosen;
        index_t const k     = chosen;
        team.each(y.columns, [=](index_t i) {
            computed_t<T> total = to[i];
            for (index_t j = 0; j < k; ++j)
                if (place[j] >= 0) total += computed_t<T>(in(place[j], i));
            to[i] = T(total);
        });
    }
};

/// y = weight * silu(gate) * up, where a row of h holds gate then up: the weight enters before the last product, so that its gradient needs
/// no more than h. One row a team.
template <class T>
struct weighted_swiglu_forward {
    matrix_view<T const>             h;  // (choices, 2 * width)
    row_view<computed_t<T> const>    weight;  // (choices)
    expert_order                     order;
    matrix_view<T>                   y;  // (choices, width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C = computed_t<T>;
        if (r >= order.begin[order.experts()]) return;
        index_t const n    = y.columns;
        auto const    gate = h.row(r).data;
        auto const    up   = gate + n;
        auto const    out  = y.row(r).data;
        C const       w    = weight[order.choice[r]];
        team.each(n, [=](index_t i) { out[i] = T(w * C(gate[i]) * logistic(C(gate[i])) * C(up[i])); });
    }
};

/// Of that: dy becomes y, h the gradient of h, and dweight that of the weight. One row a team.
template <class T>
struct weighted_swiglu_backward {
    matrix_view<T>                h;        // (choices, 2 * width)
    row_view<computed_t<T> const> weight;   // (choices)
    expert_order                  order;
    matrix_view<T>                dy;       // (choices, width)
    row_view<computed_t<T>>       dweight;  // (choices)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C = computed_t<T>;
        if (r >= order.begin[order.experts()]) return;
        index_t const n    = dy.columns;
        auto const    gate = h.row(r).data;
        auto const    up   = gate + n;
        auto const    d    = dy.row(r).data;
        index_t const c    = order.choice[r];
        C const       w    = weight[c];
        C const       dw   = team.reduce(n, sum{}, [=](index_t i) { return C(d[i]) * C(gate[i]) * logistic(C(gate[i])) * C(up[i]); });
        if (team.leads()) dweight[c] = dw;
        team.each(n, [=](index_t i) {
            C const g = C(gate[i]), u = C(up[i]), s = logistic(g), t = w * C(d[i]);
            d[i]    = T(w * g * s * u);
            gate[i] = T(t * u * s * (C(1) + g * (C(1) - s)));
            up[i]   = T(t * g * s);
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
