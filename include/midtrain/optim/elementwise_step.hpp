#pragma once
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/optim/keep_weight.hpp>
#include <midtrain/optim/step_scalars.hpp>

namespace midtrain::inline MT_ABI {

/// One pass over everything: gradient, slots and master weights in, new slots, master and stored weights out. A team takes 256 values in
/// blocks of 64, which belong to one tensor because layouts pad to 64, and share its decay and its multiple of the rate. With adamw in
/// bf16_mixed that is 30 bytes a weight, its least time; on a CPU the longest registers come nearer to it, by a tenth (bench/ways.cpp).
template <class Optimizer, class Precision>
struct elementwise_step {
    using C = typename Precision::computed;

    static constexpr bool    much_arithmetic = true;
    static constexpr index_t row_values = 256, block = 64;

    /// Teams for n values, a multiple of 64.
    static constexpr index_t teams(index_t n) { return (n + row_values - 1) / row_values; }

    Optimizer                               optimizer;
    step_scalars const*                     scalars;
    row_view<typename Precision::master>    master;    // (n)
    row_view<typename Precision::stored>    stored;    // (n)
    row_view<C const>                       gradient;  // (n)
    row_view<C>                             slots;     // (slots * n), one slot after the other
    row_view<C const>                       decay;     // (n / 64)
    row_view<double const>                  rates{};   // (n / 64), or empty: multiples of the rate
    index_t                                 begins = 0;  // where these n lie among all weights

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const    f = optimizer;
        auto const    s = *scalars;
        if (s.applies == 0) return;  // the same for all lanes of a team
        index_t const n = master.size(), first = t * row_values, left = n - first, blocks = (left < row_values ? left : row_values) / block;
        C const       clip = C(s.clip_factor), decay_factor = C(s.decay_factor);
        each_value_in_blocks(team, blocks, block, [=](auto& w, auto& copy, auto& slot, C g, C d, double multiple, index_t at) {
            auto now = s;
            now.rate *= multiple;
            auto const kept = kept_weight<Precision>(at, f.update(C(w), g * clip, slot.values, now, d * decay_factor), now);
            w = copy = computed_t<typename Precision::master>(kept);
        }, updates{master.data + first, block}, writes{stored.data + first, block}, updates_all<C, Optimizer::slots>{slots.data + first, n, block},
           reads{gradient.data + first, block}, one_each<C>{decay.data + first / block}, one_each<double>{rates.data ? rates.data + first / block : nullptr, 1, 1},
           counted{begins + first, block});
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
        C const       s  = reduce_values(team, n, sum{}, [](C u) { return u * u; }, reads{in});
        if (team.leads()) partial[r] = s;
    }
};

}  // namespace midtrain::inline MT_ABI
