#pragma once
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>

namespace midtrain::inline MT_ABI::op {

/// sum(exp(x)) = total * exp(top), where top is the largest x.
template <class C>
struct exponential_sum {
    C top, total;
};

/// Adds two such sums with one exponential: the part with the smaller top is brought to the larger one (Milakov and Gimelshein 2018).
struct add_exponentials {
    template <class S>
    MT_HOST_DEVICE static constexpr S identity() {
        return {-3.402823466e38f, 0};  // finite, so that a difference of two is a number
    }
    template <class C>
    MT_HOST_DEVICE MT_INLINE static exponential_sum<C> combine(exponential_sum<C> a, exponential_sum<C> const& b) {
        bool const b_larger = b.top > a.top;
        C const    less = exponential(b_larger ? a.top - b.top : b.top - a.top);
        return b_larger ? exponential_sum<C>{b.top, a.total * less + b.total} : exponential_sum<C>{a.top, a.total + b.total * less};
    }
};

/// That of n values. Collective. In one reading of them where a team takes packs, since there the values come from far; else in two, which
/// cost a CPU less than twice as many exponentials.
template <class Team, class C>
MT_HOST_DEVICE exponential_sum<C> sum_exponentials(Team const& team, index_t n, C const* x) {
    if constexpr (takes_packs<Team>) {
        return reduce_values(team, n, add_exponentials{}, [](C u) { return exponential_sum<C>{u, 1}; }, reads{x});
    } else {
        C const top = team.reduce(n, largest{}, [=](index_t i) { return x[i]; });
        return {top, team.reduce(n, sum{}, [=](index_t i) { return exponential(x[i] - top); })};
    }
}

}  // namespace midtrain::inline MT_ABI::op
