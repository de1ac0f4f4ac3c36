#pragma once
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// partial(r) = sum of (x - before)^2 over 4096 values, and before = x: what a micro-batch has added to a gradient, in one pass and an
/// order that never changes.
template <class C>
struct squares_of_change {
    row_view<C const> x;        // (n)
    row_view<C>       before;   // (n)
    row_view<C>       partial;  // (n / 4096, rounded up)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const    in  = x.data + r * 4096;
        auto const    was = before.data + r * 4096;
        index_t const n   = x.size() - r * 4096 < 4096 ? x.size() - r * 4096 : 4096;
        C const       s   = team.reduce(n, sum{}, [=](index_t i) { return (in[i] - was[i]) * (in[i] - was[i]); });
        team.each(n, [=](index_t i) { was[i] = in[i]; });
        if (team.leads()) partial[r] = s;
    }
};

}  // namespace midtrain::inline MT_ABI
