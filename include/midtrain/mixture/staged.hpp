#pragma once
#include <cstdint>
#include <midtrain/concepts/annealing_policy.hpp>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/mixture/sources.hpp>

// Switches beside staged_mixture, which counts tokens.
namespace midtrain::inline MT_ABI::mixture {

/// One set of weights for the first `steps` steps of the stage, another from there on.
template <template <class> class Sources>
struct staged_by_steps {
    Sources<midtrain::weight> first;
    required<std::int64_t>    steps;
    Sources<midtrain::weight> then;

    constexpr auto weights(progress at) const { return as_array(at.step < steps ? first : then); }
    constexpr mixture_flaw flaw(progress end) const {
        return steps > 0 && steps < end.step ? mixture_flaw::none : mixture_flaw::switch_outside;
    }
};

/// Tokens that are done before the first step whose rate, after the last step of the highest, is at most `share` of the highest;
/// the whole budget where there is none. The peak is sought at up to 2,000 steps, the fall by halves: from the peak on the rate falls.
template <AnnealingPolicy Rate, class At>
constexpr tokens when_fallen(Rate const& rate, double share, std::int64_t steps, At const& at) {
    std::int64_t const points = steps < 2000 ? steps : 2000;
    double             peak   = 0;
    std::int64_t       above = 0, below = steps;  // the last step known to be above, the first known not to be
    for (std::int64_t k = 0; k < points; ++k)
        if (double const r = rate_of(rate, at(steps * k / points)); r >= peak) peak = r, above = steps * k / points;
    auto const fallen = [&](std::int64_t step) { return rate_of(rate, at(step)) <= share * peak; };
    while (below - above > 1) {
        std::int64_t const middle = above + (below - above) / 2;
        (fallen(middle) ? below : above) = middle;
    }
    return at(below).seen;
}

/// One set of weights until the stage's rate has fallen to `fallen_to` of its peak, another from there on (Parmar et al. 2024, "Reuse,
/// Don't Retrain": a fifth). When that is, the recipe finds from the stage's rate when it is checked, and again when a setting changes:
/// `until` is not for the author.
template <template <class> class Sources>
struct staged_by_rate {
    Sources<midtrain::weight> first;
    required<double>          fallen_to;  ///< of the peak, between 0 and 1
    Sources<midtrain::weight> then;
    tokens                    until{};

    constexpr auto         weights(progress at) const { return as_array(at.seen < until ? first : then); }
    constexpr mixture_flaw flaw(progress end) const {
        return fallen_to > 0 && fallen_to < 1 ? staged_mixture<Sources>::switches_within(until, end.budget) : mixture_flaw::share_outside;
    }
    /// What the recipe calls with the stage's steps and at(n), its progress after n of them.
    template <class Rate, class At>
    constexpr void follow(Rate const& rate, std::int64_t steps, At const& at) {
        until = when_fallen(rate, fallen_to, steps, at);
    }
};

/// Lets a mixture, or the one within it, find its switch from the stage's rate.
template <class Policy, class Rate, class At>
constexpr void follow_rate(Policy& policy, Rate const& rate, std::int64_t steps, At const& at) {
    if constexpr (requires { policy.follow(rate, steps, at); }) policy.follow(rate, steps, at);
    if constexpr (requires { policy.of; }) follow_rate(policy.of, rate, steps, at);
    if constexpr (requires { policy.fresh; }) follow_rate(policy.fresh, rate, steps, at);
}

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::staged_by_rate;
using mixture::staged_by_steps;
}  // namespace midtrain::inline MT_ABI
