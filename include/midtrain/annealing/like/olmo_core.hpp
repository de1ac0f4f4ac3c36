#pragma once
#include <cstdint>
#include <midtrain/annealing/like/rounding.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing::like {

enum class olmo_units { steps, tokens };

/// What OLMo-core hands a scheduler: the peak, the count of the step or of the tokens, and the whole length.
struct olmo_place {
    double       initial_lr = 0;
    std::int64_t current = 0, t_max = 0;
};

/// The rate of OLMo-core (3.0.0, optim/scheduler.py), of which Scheduler is one of olmo_schedulers.hpp or olmo_stages.hpp:
///   rate = scheduler.lr(initial_lr, current, t_max).
/// `lr` is the optimizer's, `max_duration` the trainer's in `units`. OLMo-core counts a step before it asks, so the first has current = 1
/// (or the tokens of a batch), and the last has the rate of the very end. Tokens and steps are the stage's own; see run_of.hpp.
template <class Scheduler>
struct olmo_core {
    required<double>       lr;
    required<std::int64_t> max_duration;
    olmo_units             units = olmo_units::steps;
    Scheduler              scheduler{};

    constexpr double rate(progress at) const {
        std::int64_t const current = units == olmo_units::steps ? at.step + 1 : (at.seen + at.batch).count;
        return scheduler.lr({lr, current, max_duration});
    }
    /// OLMo-core would take these numbers, too.
    constexpr bool fits(tokens) const {
        if (lr < 0 || max_duration < 1) return false;
        if constexpr (requires { scheduler.fits(olmo_place{}); }) return scheduler.fits({lr, 1, max_duration});
        else return true;
    }
};

/// A length that is given as a count or, where that is zero, as a share of the whole.
constexpr std::int64_t olmo_length(std::int64_t count, double fraction, std::int64_t whole) {
    return count > 0 ? count : rounded(static_cast<double>(whole) * fraction);
}
/// From `low` up to `peak` over `over`.
constexpr double olmo_up(double peak, std::int64_t n, std::int64_t over, double low) {
    return n < over ? low + (peak - low) * static_cast<double>(n) / static_cast<double>(over) : peak;
}
/// From `peak` down to `low`, where `left` of `over` are left.
constexpr double olmo_down(double peak, std::int64_t left, std::int64_t over, double low) {
    return left < over ? low + (peak - low) * static_cast<double>(left < 0 ? 0 : left) / static_cast<double>(over) : peak;
}

}  // namespace midtrain::inline MT_ABI::annealing::like

namespace midtrain::inline MT_ABI {
namespace like = annealing::like;
}
