#pragma once
#include <cstdint>
#include <midtrain/annealing/like/olmo_core.hpp>
#include <midtrain/core/math.hpp>

// The schedulers of OLMo-core 3.0.0 that are one curve; those of several parts are in olmo_stages.hpp. Named as OLMo-core registers them,
// with its fields: of `warmup` and `warmup_fraction`, and of `decay` and `decay_fraction`, the fraction counts where the other is zero.
namespace midtrain::inline MT_ABI::annealing::like {

struct olmo_constant {
    constexpr double lr(olmo_place at) const { return at.initial_lr; }
};

struct olmo_constant_with_warmup {
    std::int64_t warmup          = 0;
    double       warmup_fraction = 0, warmup_min_lr = 0;

    constexpr double lr(olmo_place at) const {
        return olmo_up(at.initial_lr, at.current, olmo_length(warmup, warmup_fraction, at.t_max), warmup_min_lr);
    }
};

/// Straight up, the peak, and straight down over the last `decay`.
struct olmo_wsd {
    std::int64_t warmup          = 0;
    double       warmup_fraction = 0;
    std::int64_t decay           = 0;
    double       decay_fraction = 0.1, warmup_min_lr = 0, decay_min_lr = 0;

    constexpr double lr(olmo_place at) const {
        std::int64_t const w = olmo_length(warmup, warmup_fraction, at.t_max), d = olmo_length(decay, decay_fraction, at.t_max);
        if (at.current <= w) return olmo_up(at.initial_lr, at.current, w, warmup_min_lr);
        return olmo_down(at.initial_lr, at.t_max - at.current, d, decay_min_lr);
    }
};

/// initial_lr (current / warmup)^b, and straight down from there over the last `decay`.
struct olmo_power_lr {
    double       b               = -0.51;
    std::int64_t warmup          = 0;
    double       warmup_fraction = 0, warmup_min_lr = 0;
    std::int64_t decay          = 0;
    double       decay_fraction = 0.1, decay_min_lr = 0;

    constexpr double lr(olmo_place at) const {
        std::int64_t const w = olmo_length(warmup, warmup_fraction, at.t_max), d = olmo_length(decay, decay_fraction, at.t_max);
        if (at.current <= w) return olmo_up(at.initial_lr, at.current, w, warmup_min_lr);
        std::int64_t const n = at.current < at.t_max - d ? at.current : at.t_max - d;
        double const       x = at.initial_lr * math::pow(static_cast<double>(n) / static_cast<double>(w), b);
        return at.current < at.t_max - d ? x : olmo_down(x, at.t_max - at.current, d, decay_min_lr);
    }
    constexpr bool fits(olmo_place at) const { return b < 0 && olmo_length(warmup, warmup_fraction, at.t_max) > 0; }
};

/// Straight from the peak to alpha_f of it, at t_max.
struct olmo_linear_with_warmup {
    double       alpha_f = 0.1;
    std::int64_t t_max = 0, warmup = 0;  ///< t_max 0: the run's
    double       warmup_fraction = 0, warmup_min_lr = 0;

    constexpr double lr(olmo_place at) const {
        std::int64_t const n = t_max > 0 ? t_max : at.t_max, w = olmo_length(warmup, warmup_fraction, n);
        double const       low = at.initial_lr * alpha_f;
        if (at.current < w) return olmo_up(at.initial_lr, at.current, w, warmup_min_lr);
        if (at.current >= n) return low;
        return at.initial_lr - (at.initial_lr - low) * (static_cast<double>(at.current - w) / static_cast<double>(n - w));
    }
};

/// alpha_f of the peak, and what lies above it by sqrt(warmup / current).
struct olmo_inv_sqrt_with_warmup {
    double       alpha_f         = 0.1;
    std::int64_t warmup          = 0;
    double       warmup_fraction = 0, warmup_min_lr = 0;

    constexpr double lr(olmo_place at) const {
        std::int64_t const w = olmo_length(warmup, warmup_fraction, at.t_max);
        if (at.current < w) return olmo_up(at.initial_lr, at.current, w, warmup_min_lr);
        double const low = at.initial_lr * alpha_f;
        return low + (at.initial_lr - low) * math::sqrt(static_cast<double>(w) / static_cast<double>(at.current));
    }
};

/// low + (peak - low) (1 + cos(pi n / of)) / 2, low = alpha_f of the peak.
constexpr double olmo_cosine(double peak, double low, std::int64_t n, std::int64_t of) {
    return low + (peak - low) * (1 + math::cos(math::pi * static_cast<double>(n) / static_cast<double>(of))) / 2;
}

/// Half a cosine down to alpha_f of the peak, at t_max.
struct olmo_cos_with_warmup {
    std::int64_t warmup          = 0;
    double       warmup_fraction = 0, alpha_f = 0.1;
    std::int64_t t_max         = 0;  ///< 0: the run's
    double       warmup_min_lr = 0;

    constexpr double lr(olmo_place at) const {
        std::int64_t const n = t_max > 0 ? t_max : at.t_max, w = olmo_length(warmup, warmup_fraction, n);
        double const       low = at.initial_lr * alpha_f;
        if (at.current < w) return olmo_up(at.initial_lr, at.current, w, warmup_min_lr);
        return at.current >= n ? low : olmo_cosine(at.initial_lr, low, at.current - w, n - w);
    }
};

/// The second half of that cosine: the warm-up ends half-way between the peak and alpha_f of it.
struct olmo_half_cos_with_warmup {
    std::int64_t warmup          = 0;
    double       warmup_fraction = 0, alpha_f = 0.1;
    std::int64_t t_max         = 0;  ///< 0: the run's
    double       warmup_min_lr = 0;

    constexpr double lr(olmo_place at) const {
        std::int64_t const n = t_max > 0 ? t_max : at.t_max, w = olmo_length(warmup, warmup_fraction, n);
        double const       low = at.initial_lr * alpha_f;
        if (at.current < w) return olmo_up(low + (at.initial_lr - low) / 2, at.current, w, warmup_min_lr);
        return at.current >= n ? low : olmo_cosine(at.initial_lr, low, at.current - w + (n - w), 2 * (n - w));
    }
};

/// The cosine, cut short `decay` before the end of the run and straight down from there.
struct olmo_cos_with_warmup_and_linear_decay {
    std::int64_t warmup          = 0;
    double       warmup_fraction = 0, alpha_f = 0.1;
    std::int64_t t_max          = 0;  ///< 0: the run's
    double       warmup_min_lr  = 0;
    std::int64_t decay          = 0;
    double       decay_fraction = 0.1, decay_min_lr = 0;

    constexpr double lr(olmo_place at) const {
        olmo_cos_with_warmup const cosine{warmup, warmup_fraction, alpha_f, t_max, warmup_min_lr};
        std::int64_t const         d = olmo_length(decay, decay_fraction, at.t_max), from = at.t_max - d;
        if (at.current < from) return cosine.lr(at);
        return olmo_down(cosine.lr({at.initial_lr, from, at.t_max}), at.t_max - at.current, d, decay_min_lr);
    }
};

/// lr_min (peak / lr_min)^(current / t_max): up, for a test of ranges.
struct olmo_exponential {
    double lr_min = 1e-9;

    constexpr double lr(olmo_place at) const {
        if (at.current >= at.t_max) return at.initial_lr;
        return lr_min * math::pow(at.initial_lr / lr_min, static_cast<double>(at.current) / static_cast<double>(at.t_max));
    }
    constexpr bool fits(olmo_place at) const { return lr_min > 0 && at.initial_lr > 0; }
};

}  // namespace midtrain::inline MT_ABI::annealing::like
