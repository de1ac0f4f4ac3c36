#pragma once
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/optim/keep_weight.hpp>
#include <midtrain/optim/step_scalars.hpp>

namespace midtrain::inline MT_ABI {

/// One pass over everything: gradient, slots and master weights in, new slots, master and stored weights out. A team takes 64
/// values, which belong to one tensor because layouts pad to 64, and share its decay and its multiple of the rate.
template <class Optimizer, class Precision>
struct elementwise_step {
    using C = typename Precision::computed;

    static constexpr index_t row_values = 64;  ///< of a team: a short row, for a device whose teams come in sizes

    Optimizer                               optimizer;
    step_scalars const*                     scalars;
    row_view<typename Precision::master>    master;    // (n)
    row_view<typename Precision::stored>    stored;    // (n)
    row_view<C const>                       gradient;  // (n)
    row_view<C>                             slots;     // (slots * n), one slot after the other
    row_view<C const>                       decay;     // (n / 64)
    row_view<double const>                  rates{};   // (n / 64), or empty: multiples of the rate

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t chunk) const {
        auto const    f = optimizer;
        auto          s = *scalars;
        if (s.applies == 0) return;  // the same for all lanes of a team
        index_t const n = master.size(), first = chunk * row_values;
        C const       d = decay[chunk] * C(s.decay_factor), clip = C(s.clip_factor);
        if (rates.size() > 0) s.rate *= rates[chunk];
        auto const    w = master.data;
        auto const    o = stored.data;
        auto const    g = gradient.data + first;
        auto const    m = slots.data + first;
        team.each(row_values, [=](index_t i) {
            C slot[Optimizer::slots];
            for (int k = 0; k < Optimizer::slots; ++k) slot[k] = m[k * n + i];
            C const next = f.update(C(w[first + i]), C(g[i]) * clip, slot, s, d);
            for (int k = 0; k < Optimizer::slots; ++k) m[k * n + i] = slot[k];
            keep_weight<Precision>(w, o, first + i, next, s);
        });
    }
};

/// partial(r) = sum of squares of 4096 values: the first half of a norm whose order never changes.
template <class C>
struct squares_of_part {
    row_view<C const> x;
    row_view<C>       partial;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const    in = x.data + r * 4096;
        index_t const n  = x.size() - r * 4096 < 4096 ? x.size() - r * 4096 : 4096;
        C const       s  = team.reduce(n, sum{}, [=](index_t i) { return in[i] * in[i]; });
        if (team.leads()) partial[r] = s;
    }

};

}  // namespace midtrain::inline MT_ABI
