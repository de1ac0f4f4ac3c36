#pragma once
#include <cstddef>
#include <cstdint>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/each.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/arithmetic.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/mixture/sources.hpp>

// Mixtures that keep another one within bounds. They look back if it does.
namespace midtrain::inline MT_ABI::mixture {

/// Another mixture, of which no source may be repeated more than `epochs` times: a weight stays below what is left of
/// size * epochs, over the stage's budget, at every moment; the surplus goes to the other sources in proportion to their weights. `used`:
/// what earlier stages took. So the cap holds whatever the other mixture does, and what a weight leaves unused early is not made up late.
template <template <class> class Sources, class Policy = fixed_mixture<Sources>>
struct capped_mixture {
    Policy                    of;
    Sources<each<tokens>> sizes;
    Sources<each<double>> epochs;
    Sources<tokens>           used{};

    constexpr auto weights(progress at, loss_record const& so_far = {}) const {
        return below(weights_of(of, at, so_far), limits(at.budget));
    }
    constexpr std::int64_t window() const { return window_of(of); }
    constexpr mixture_flaw flaw(progress end) const {
        if (auto const f = flaw_of(of, end); f != mixture_flaw::none) return f;
        for (int k = 0; k <= 64; ++k) {  // also where sources without weight cannot take the surplus
            progress const at{0, {end.budget.count / 64 * k}, end.budget, {}};
            if (sum_of(weights(at)) < sum_of(weights_of(of, at)) - 1e-9) return mixture_flaw::caps_too_low;
        }
        return mixture_flaw::none;
    }
    /// Tokens of each source that the run may draw: what the rules hold against all stages.
    constexpr auto allowed() const {
        auto       most  = as_array(sizes);
        auto const times = as_array(epochs);
        for (std::size_t i = 0; i < most.size(); ++i) most[i] *= times[i];
        return most;
    }
    /// The largest weights in a stage of that budget.
    constexpr auto limits(tokens budget) const {
        auto       most  = allowed();
        auto const taken = as_array(used);
        for (std::size_t i = 0; i < most.size(); ++i) {
            double const left = most[i] - (i < taken.size() ? taken[i] : 0.0);
            most[i]           = left > 0 ? left / static_cast<double>(budget.count > 0 ? budget.count : 1) : 0.0;
        }
        return most;
    }
};

/// Another mixture, of which no source falls below its floor; the others give way in proportion to their weights.
template <template <class> class Sources, class Policy = fixed_mixture<Sources>>
struct floored_mixture {
    Policy                    of;
    Sources<required<double>> floor;  ///< shares

    constexpr auto weights(progress at, loss_record const& so_far = {}) const { return above(weights_of(of, at, so_far), as_array(floor)); }
    constexpr std::int64_t window() const { return window_of(of); }
    constexpr mixture_flaw flaw(progress end) const {
        bool bad = sum_of(as_array(floor)) > 1 + 1e-9;
        for (double x : as_array(floor)) bad |= !(x >= 0);
        return bad ? mixture_flaw::floors_too_high : flaw_of(of, end);
    }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::capped_mixture;
using mixture::floored_mixture;
}  // namespace midtrain::inline MT_ABI
