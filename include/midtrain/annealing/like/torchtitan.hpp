#pragma once
#include <cstdint>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/like/rounding.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing::like {

enum class torchtitan_decay { linear, sqrt, cosine };

/// The rate of torchtitan (0.3.0, components/optimizer/lr_scheduler.py). `lr` and `steps` are those of [optimizer] and [training], the
/// others the fields of [lr_scheduler]. The first step has s = 0 and (s + 1) / W of the peak; the decay's D steps end one after the run,
///   r = (s - N + D) / D   from s = N + 1 - D on,
/// so the last one is not zero. Past the end, where torchtitan would go below zero, the rate stays at its floor.
struct torchtitan {
    required<double>       lr;
    required<std::int64_t> steps;
    std::int64_t           warmup_steps  = 200;
    std::int64_t           total_steps   = 0;   ///< of the schedule, where it is not the run's; 0: the run's
    double                 decay_ratio   = -1;  ///< of all steps, at the end; below zero: from the warm-up on
    torchtitan_decay       decay_type    = torchtitan_decay::linear;
    double                 min_lr_factor = 0;

    constexpr double rate(progress at) const {
        std::int64_t const s = at.step, n = total(), w = warmup(), d = decay();
        if (s < w) return lr * (static_cast<double>(s + 1) / static_cast<double>(w));
        if (s < n + 1 - d) return lr;
        double const r = d > 0 && s < n ? static_cast<double>(s - n + d) / static_cast<double>(d) : 1.0;
        return lr * (min_lr_factor + (1 - min_lr_factor) * left(r));
    }
    constexpr bool fits(tokens) const { return lr >= 0 && total() > 0 && warmup_steps >= 0 && decay_ratio <= 1; }

    // Below: parts of the above. Public, so that the policy stays an aggregate.
    constexpr std::int64_t total() const { return total_steps > 0 ? total_steps : steps.value; }
    constexpr std::int64_t warmup() const { return warmup_steps < total() ? warmup_steps : total(); }
    constexpr std::int64_t decay() const {
        std::int64_t const room = total() - warmup();
        std::int64_t const d    = decay_ratio >= 0 ? rounded(static_cast<double>(total()) * decay_ratio) : room;
        return d < room ? d : room;
    }
    constexpr double left(double r) const {
        if (decay_type == torchtitan_decay::linear) return linear_shape{}.left(r);
        return decay_type == torchtitan_decay::sqrt ? one_minus_sqrt_shape{}.left(r) : cosine_shape{}.left(r);
    }
};

}  // namespace midtrain::inline MT_ABI::annealing::like

namespace midtrain::inline MT_ABI {
namespace like = annealing::like;
}
