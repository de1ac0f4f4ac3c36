#pragma once
#include <cstdint>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing::like {

enum class nanotron_warmup { linear, constant };
/// `one_minus_sqrt` is what nanotron writes as 1-sqrt (its newer versions have it).
enum class nanotron_decay { linear, cosine, one_minus_sqrt };

namespace detail {

/// One schedule of nanotron: floor + (peak - floor) f(r) from step `from` on for `length` steps. s counts from zero, W has the peak itself.
struct nanotron_steps {
    double          peak, floor;
    std::int64_t    warmup, from, length;
    nanotron_warmup up;
    nanotron_decay  shape;

    constexpr double rate(std::int64_t s) const {
        if (s <= warmup) {
            if (up == nanotron_warmup::constant) return peak;
            return peak * static_cast<double>(s) / static_cast<double>(warmup < 1 ? 1 : warmup);
        }
        if (s < from) return peak;
        return s < from + length ? floor + (peak - floor) * left(static_cast<double>(s - from), static_cast<double>(length)) : floor;
    }
    constexpr double left(double n, double of) const {
        if (shape == nanotron_decay::linear) return (of - n) / of;
        return shape == nanotron_decay::cosine ? (1 + math::cos(math::pi * n / of)) / 2 : one_minus_sqrt_shape{}.left(n / of);
    }
};

}  // namespace detail

/// The rate of nanotron (helpers.py, lr_scheduler_builder). Fields are those of its LRSchedulerArgs, `train_steps` that of TokensArgs. A
/// decay that begins at a step of its own must say how long it is, or it does not fit: nanotron's own default is nanotron_short_decay.
/// Without a warm-up step 0 has a rate of zero (linear) all the same, since s <= W counts as warm-up.
struct nanotron {
    required<double>       learning_rate;
    required<std::int64_t> train_steps;
    std::int64_t           lr_warmup_steps        = 0;
    nanotron_warmup        lr_warmup_style        = nanotron_warmup::linear;
    nanotron_decay         lr_decay_style         = nanotron_decay::linear;
    std::int64_t           lr_decay_steps         = -1;  ///< below zero: from the warm-up to the end
    std::int64_t           lr_decay_starting_step = -1;  ///< below zero: where the warm-up ends
    double                 min_decay_lr           = -1;  ///< below zero: the peak

    constexpr double rate(progress at) const {
        std::int64_t const from = lr_decay_starting_step >= 0 ? lr_decay_starting_step : lr_warmup_steps;
        std::int64_t const over = lr_decay_steps >= 0 ? lr_decay_steps : train_steps - from;
        double const       down = min_decay_lr >= 0 ? min_decay_lr : learning_rate.value;
        return detail::nanotron_steps{learning_rate, down, lr_warmup_steps, from, over, lr_warmup_style, lr_decay_style}.rate(at.step);
    }
    /// Without warm-up and decay nanotron squares the rate, and that is not imitated.
    constexpr bool fits(tokens) const {
        bool const told = lr_decay_starting_step < 0 || lr_decay_steps >= 0, moves = lr_warmup_steps > 0 || lr_decay_steps != 0;
        return learning_rate >= 0 && train_steps > 0 && lr_warmup_steps >= 0 && told && moves;
    }
};

/// A defect of nanotron, for runs that have it: a decay that begins at a step of its own and does not say how long it is takes
/// train_steps - W - start steps, so that it is at its floor W steps before the end.
struct nanotron_short_decay {
    required<double>       learning_rate;
    required<std::int64_t> train_steps, lr_decay_starting_step;
    std::int64_t           lr_warmup_steps = 0;
    nanotron_warmup        lr_warmup_style = nanotron_warmup::linear;
    nanotron_decay         lr_decay_style  = nanotron_decay::linear;
    double                 min_decay_lr    = -1;  ///< below zero: the peak

    constexpr double rate(progress at) const {
        double const       down = min_decay_lr >= 0 ? min_decay_lr : learning_rate.value;
        std::int64_t const from = lr_decay_starting_step, over = train_steps - lr_warmup_steps - from;
        return detail::nanotron_steps{learning_rate, down, lr_warmup_steps, from, over, lr_warmup_style, lr_decay_style}.rate(at.step);
    }
    constexpr bool fits(tokens) const {
        return learning_rate >= 0 && lr_warmup_steps >= 0 && train_steps > lr_warmup_steps + lr_decay_starting_step;
    }
};

}  // namespace midtrain::inline MT_ABI::annealing::like

namespace midtrain::inline MT_ABI {
namespace like = annealing::like;
}
