#pragma once
#include <cstddef>
#include <cstdint>
#include <midtrain/annealing/like/olmo_core.hpp>
#include <midtrain/annealing/like/olmo_schedulers.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/short_list.hpp>

// The schedulers of OLMo-core 3.0.0 that have several parts.
namespace midtrain::inline MT_ABI::annealing::like {

enum class olmo_shape { linear, cosine };

/// From a to b, n of `over` done.
constexpr double olmo_between(olmo_shape shape, double a, double b, std::int64_t n, std::int64_t over) {
    if (shape == olmo_shape::cosine) return olmo_cosine(a, b, n, over);
    return a + (b - a) * static_cast<double>(n) / static_cast<double>(over);
}
/// A rate that is given as such, or as a share of the peak; below zero: not given.
constexpr double olmo_rate(double given, double fraction, double peak, double otherwise) {
    return given >= 0 ? given : fraction >= 0 ? peak * fraction : otherwise;
}

/// A part of `composable`. It begins where the one before ended, unless it says where.
struct olmo_stage {
    required<std::int64_t> duration;
    olmo_shape             shape    = olmo_shape::linear;
    double                 start_lr = -1, start_lr_fraction = -1, end_lr = -1, end_lr_fraction = -1;
};

/// From `start` on, whatever the rate is there, down to an end of its own over `duration`, and there. A duration of zero: none.
struct olmo_override_decay {
    std::int64_t start = 0, duration = 0;
    olmo_shape   shape  = olmo_shape::linear;
    double       end_lr = -1, end_lr_fraction = -1;

    constexpr bool   rules(std::int64_t current) const { return duration > 0 && current >= start; }
    constexpr bool   sound() const { return duration == 0 || (start >= 0 && duration > 0 && (end_lr >= 0) != (end_lr_fraction >= 0)); }
    constexpr double lr(olmo_place at, double from) const {
        double const       to = olmo_rate(end_lr, end_lr_fraction, at.initial_lr, 0);
        std::int64_t const n  = at.current - start;
        return n < duration ? olmo_between(shape, from, to, n, duration) : to;
    }
};

/// Parts of fixed lengths one after another, whatever the run's length is; then the last one's end.
struct olmo_composable {
    short_list<olmo_stage, 12> stages{};
    olmo_override_decay        override_decay{};

    constexpr double lr(olmo_place at) const {
        if (!override_decay.rules(at.current)) return main_lr(at);
        return override_decay.lr(at, main_lr({at.initial_lr, override_decay.start, at.t_max}));
    }
    constexpr bool fits(olmo_place) const {
        for (auto const& s : stages)
            if (s.duration < 1 || (s.end_lr >= 0) == (s.end_lr_fraction >= 0)) return false;
        return !stages.empty() && override_decay.sound();
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr double main_lr(olmo_place at) const {
        std::int64_t begun = 0;
        double       last  = at.initial_lr;
        for (auto const& s : stages) {
            double const from = olmo_rate(s.start_lr, s.start_lr_fraction, at.initial_lr, last);
            last              = olmo_rate(s.end_lr, s.end_lr_fraction, at.initial_lr, last);
            if (at.current < begun + s.duration) return olmo_between(s.shape, from, last, at.current - begun, s.duration);
            begun += s.duration;
        }
        return last;
    }
};

/// Schedulers one after another, for schedulers_max each; the last has what is left. Each begins at the rate at which the one before ended.
template <class Scheduler>
struct olmo_sequential {
    short_list<Scheduler, 6>    schedulers{};
    short_list<std::int64_t, 6> schedulers_max{};
    olmo_override_decay         override_decay{};

    constexpr double lr(olmo_place at) const {
        if (!override_decay.rules(at.current)) return main_lr(at);
        return override_decay.lr(at, main_lr({at.initial_lr, override_decay.start, at.t_max}));
    }
    constexpr bool fits(olmo_place at) const {
        std::int64_t whole = 0;
        for (auto const n : schedulers_max)
            if (whole += n; n < 1) return false;
        return schedulers.size() == schedulers_max.size() + 1 && whole < at.t_max && override_decay.sound();
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr double main_lr(olmo_place at) const {
        std::size_t i = 0;
        for (; i + 1 < schedulers.size() && i < schedulers_max.size(); ++i) {
            std::int64_t const over = schedulers_max[i];
            if (at.current <= over) return schedulers[i].lr({at.initial_lr, at.current, at.t_max < over ? at.t_max : over});
            at = {schedulers[i].lr({at.initial_lr, over, over}), at.current - over, at.t_max - over};
        }
        return i < schedulers.size() ? schedulers[i].lr(at) : 0.0;
    }
};

/// WSD-S (2410.05192): one warm-up, then periods that each stand at the peak, or a multiple of it, and end in a straight decay.
struct olmo_wsds {
    short_list<std::int64_t> period_lengths{};
    short_list<double>       period_lr_multipliers{};  ///< of the peak; none: one
    std::int64_t             warmup          = 0;
    double                   warmup_fraction = 0;  ///< of the first period
    std::int64_t             decay           = 0;
    double                   decay_fraction  = 0;  ///< of each period
    double                   warmup_min_lr = 0, decay_min_lr = 0;

    constexpr double lr(olmo_place at) const {
        if (period_lengths.empty()) return 0;
        std::int64_t const w = olmo_length(warmup, warmup_fraction, period_lengths[0]);
        if (at.current < w) return olmo_up(peak(at, 0), at.current, w, warmup_min_lr);
        std::int64_t end = 0;
        for (std::size_t i = 0; i < period_lengths.size(); ++i) {
            end += period_lengths[i];
            bool const last = i + 1 == period_lengths.size();
            if (at.current < end || (at.current == end && !last))
                return olmo_down(peak(at, i), end - at.current, olmo_length(decay, decay_fraction, period_lengths[i]), decay_min_lr);
        }
        return decay_min_lr;
    }
    constexpr bool fits(olmo_place) const {
        std::int64_t room = !period_lengths.empty() ? olmo_length(warmup, warmup_fraction, period_lengths[0]) : 0;
        for (auto const n : period_lengths) {
            if (n < 1 || room + olmo_length(decay, decay_fraction, n) > n) return false;
            room = 0;
        }
        std::size_t const given = period_lr_multipliers.size();
        return !period_lengths.empty() && (given == 0 || given == period_lengths.size()) && decay_min_lr >= 0;
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr double peak(olmo_place at, std::size_t i) const {
        return i < period_lr_multipliers.size() ? at.initial_lr * period_lr_multipliers[i] : at.initial_lr;
    }
};

}  // namespace midtrain::inline MT_ABI::annealing::like
