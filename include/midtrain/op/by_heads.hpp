#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>

// What a head has once, for each of the values that the head has: Mamba-2's steps, decays and skips.
namespace midtrain::inline MT_ABI::op {

/// y(r, i) = x(r, head of i). One value of y a call.
template <class X, class Y>
struct spread_by_heads {
    matrix_view<X const> x;  // (rows, heads)
    matrix_view<Y>       y;  // (rows, heads * values), side by side

    MT_HOST_DEVICE void operator()(index_t i) const {
        index_t const r = i / y.columns, c = i % y.columns;
        y(r, c)         = Y(computed_t<X>(x(r, c / (y.columns / x.columns))));
    }
};

/// y(r, h) = sum of head h's values of x(r), in order, added to y if it `adds`. One row a team.
template <class X, class Y>
struct sum_by_heads {
    matrix_view<X const> x;  // (rows, heads * values)
    matrix_view<Y>       y;  // (rows, heads)
    bool                 adds = false;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C            = computed_t<X>;
        auto const    in   = x.row(r).data;
        auto const    out  = y.row(r).data;
        index_t const each = x.columns / y.columns;
        bool const    more = adds;
        team.each(y.columns, [=](index_t h) {
            C total = more ? C(out[h]) : C(0);
            for (index_t i = h * each; i < (h + 1) * each; ++i) total += C(in[i]);
            out[h] = Y(total);
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
