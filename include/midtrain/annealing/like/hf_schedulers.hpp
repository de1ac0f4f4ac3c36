#pragma once
#include <cstdint>
#include <midtrain/annealing/like/hf.hpp>
#include <midtrain/annealing/like/rounding.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>

// The schedulers of transformers 5.24, optimization.py, but for those that follow losses (reduce_lr_on_plateau, greedy). Each is named as
// lr_scheduler_type names it and has the fields of its lr_scheduler_kwargs; `factor` is what it multiplies the peak by.
namespace midtrain::inline MT_ABI::annealing::like {

struct hf_constant {
    constexpr double factor(hf_place const&) const { return 1; }
};

struct hf_constant_with_warmup {
    constexpr double factor(hf_place const& at) const { return at.warms() ? at.up() : 1.0; }
};

/// s / W, then (N - s) / (N - W), never below zero.
struct hf_linear {
    constexpr double factor(hf_place const& at) const {
        if (at.warms()) return at.up();
        return at.step < at.steps ? hf_place::share(at.steps - at.step, at.steps - at.warmup) : 0.0;
    }
};

/// (1 + cos(2 pi num_cycles r)) / 2. Half a cycle falls from the peak to zero; after N, and with more cycles, it rises again.
struct hf_cosine {
    double num_cycles = 0.5;

    constexpr double factor(hf_place const& at) const { return at.warms() ? at.up() : wave(num_cycles, at.down()); }
    static constexpr double wave(double cycles, double r) { return 0.5 * (1.0 + math::cos(math::pi * cycles * 2.0 * r)); }
};

/// As many falls from the peak to zero as num_cycles says, each from the peak at once.
struct hf_cosine_with_restarts {
    std::int64_t num_cycles = 1;

    constexpr double factor(hf_place const& at) const {
        if (at.warms()) return at.up();
        double const r = at.down();
        if (r >= 1) return 0;
        double const turns = static_cast<double>(num_cycles) * r;
        return 0.5 * (1.0 + math::cos(math::pi * (turns - static_cast<double>(floored(turns)))));
    }
    constexpr bool fits(hf_place const&) const { return num_cycles >= 1; }
};

/// The peak's share at the end, given as a rate or as that share; below zero: not given. transformers wants just one.
struct hf_floor {
    double min_lr = -1, min_lr_rate = -1;

    constexpr double of(double peak) const { return min_lr_rate >= 0 ? min_lr_rate : min_lr / peak; }
    constexpr bool   given() const { return (min_lr >= 0) != (min_lr_rate >= 0); }
    constexpr double lifted(double factor, double peak) const {
        double const x = factor * (1 - of(peak)) + of(peak);
        return x > 0 ? x : 0.0;
    }
};

/// cosine, and the floor under it.
struct hf_cosine_with_min_lr {
    double min_lr = -1, min_lr_rate = -1;  ///< a rate, or a share of the peak: one of them
    double num_cycles = 0.5;

    constexpr double factor(hf_place const& at) const {
        if (at.warms()) return at.up();
        return hf_floor{min_lr, min_lr_rate}.lifted(hf_cosine::wave(num_cycles, at.down()), at.learning_rate);
    }
    constexpr bool fits(hf_place const&) const { return hf_floor{min_lr, min_lr_rate}.given(); }
};

/// The same a step ahead: (s + 1) / W, then r = (s + 1 - W) / (N - W). With warmup_lr_rate the warm-up begins there and takes W - 1 steps.
struct hf_cosine_warmup_with_min_lr {
    double min_lr = -1, min_lr_rate = -1;  ///< a rate, or a share of the peak: one of them
    double warmup_lr_rate = -1;            ///< the share of the peak that the first step has; below zero: 1 / W
    double num_cycles     = 0.5;

    constexpr double factor(hf_place const& at) const {
        double const s = static_cast<double>(at.step);
        if (at.warms() && warmup_lr_rate < 0) return (s + 1.0) / static_cast<double>(at.warmup);
        if (at.warms()) return warmup_lr_rate + (1.0 - warmup_lr_rate) * s / static_cast<double>(at.warmup < 2 ? 1 : at.warmup - 1);
        double const r = hf_place::share(at.step - at.warmup + 1, at.steps - at.warmup);
        return hf_floor{min_lr, min_lr_rate}.lifted(hf_cosine::wave(num_cycles, r), at.learning_rate);
    }
    constexpr bool fits(hf_place const&) const { return hf_floor{min_lr, min_lr_rate}.given(); }
};

/// lr_end + (peak - lr_end) (1 - r)^power.
struct hf_polynomial {
    double lr_end = 1e-7, power = 1;

    constexpr double factor(hf_place const& at) const {
        if (at.warms()) return at.up();
        if (at.step >= at.steps) return lr_end / at.learning_rate;
        double const left = 1 - at.down();
        return ((at.learning_rate - lr_end) * (power == 1 ? left : math::pow(left, power)) + lr_end) / at.learning_rate;
    }
    constexpr bool fits(hf_place const& at) const { return at.learning_rate > lr_end && power > 0; }
};

/// 1 / sqrt((s - W + timescale) / timescale).
struct hf_inverse_sqrt {
    std::int64_t timescale = 0;  ///< 0: the warm-up's steps, or 10,000 without one

    constexpr double factor(hf_place const& at) const {
        if (at.warms()) return at.up();
        std::int64_t const scale = timescale > 0 ? timescale : at.warmup > 0 ? at.warmup : 10'000;
        return 1.0 / math::sqrt(static_cast<double>(at.step + (scale - at.warmup)) / static_cast<double>(scale));
    }
};

/// `one_minus_sqrt` is what transformers writes as 1-sqrt.
enum class hf_shape { linear, cosine, one_minus_sqrt };

/// From min_lr_ratio up to the peak over W steps, there for num_stable_steps, down to min_lr_ratio over num_decay_steps, then there.
struct hf_warmup_stable_decay {
    required<std::int64_t> num_decay_steps;
    std::int64_t           num_stable_steps = -1;  ///< below zero: what warm-up and decay leave of N
    hf_shape               warmup_type      = hf_shape::linear;
    hf_shape               decay_type       = hf_shape::cosine;
    double                 min_lr_ratio     = 0;
    double                 num_cycles       = 0.5;

    constexpr double factor(hf_place const& at) const {
        if (at.warms()) return lifted(rising(at.up()));
        std::int64_t const stable = num_stable_steps >= 0 ? num_stable_steps : at.steps - at.warmup - num_decay_steps;
        std::int64_t const into   = at.step - at.warmup - stable;
        if (into < 0) return 1;
        return into < num_decay_steps ? lifted(falling(hf_place::share(into, num_decay_steps))) : min_lr_ratio;
    }
    constexpr bool fits(hf_place const&) const { return num_decay_steps >= 0 && min_lr_ratio >= 0 && min_lr_ratio <= 1; }

    // Below: parts of the above. Public, so that the policy stays an aggregate.
    constexpr double lifted(double x) const {
        double const y = x * (1.0 - min_lr_ratio) + min_lr_ratio;
        return y > 0 ? y : 0.0;
    }
    constexpr double rising(double r) const {
        if (warmup_type == hf_shape::linear) return r;
        return warmup_type == hf_shape::cosine ? 0.5 * (1.0 - math::cos(math::pi * r)) : 1.0 - math::sqrt(1.0 - r);
    }
    constexpr double falling(double r) const {
        if (decay_type == hf_shape::linear) return 1.0 - r;
        return decay_type == hf_shape::cosine ? hf_cosine::wave(num_cycles, r) : 1.0 - math::sqrt(r);
    }
};

}  // namespace midtrain::inline MT_ABI::annealing::like
