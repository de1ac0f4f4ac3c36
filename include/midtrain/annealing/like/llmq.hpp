#pragma once
#include <cstdint>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing::like {

enum class llmq_schedule { cosine, linear, wsd };

/// A defect of llmq (src/training/schedule.h), for runs that have it: the decay begins after the warm-up but is as long as the whole
/// run, r = (s - W) / N instead of (s - W) / (N - W), so that it never reaches its floor. In float and double as there. `wsd` has no decay
/// but the cooldown: lr(end) (1 - sqrt(k / cooldown)) over the last `cooldown` steps.
struct llmq_unfinished_decay {
    required<double>       lr;
    required<std::int64_t> steps;
    std::int64_t           warmup = 0, cooldown = 0;
    double                 final_lr_fraction = 1;
    llmq_schedule          schedule          = llmq_schedule::cosine;

    constexpr double rate(progress at) const {
        std::int64_t const end = steps - cooldown, k = at.step - end;
        if (k <= 0 || cooldown <= 0) return static_cast<double>(main_rate(at.step));
        float const f = k < cooldown ? static_cast<float>(k) / static_cast<float>(cooldown) : 1.0f;
        return static_cast<double>(main_rate(end) * (1.0f - static_cast<float>(math::sqrt(static_cast<double>(f)))));
    }
    constexpr bool fits(tokens) const { return lr >= 0 && steps > 0 && warmup >= 0 && cooldown >= 0 && warmup + cooldown <= steps; }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr float main_rate(std::int64_t s) const {
        auto const  peak = static_cast<float>(lr.value);
        float const low  = schedule == llmq_schedule::wsd ? peak : peak * static_cast<float>(final_lr_fraction);
        if (s < warmup) return peak * static_cast<float>(s) / static_cast<float>(warmup);
        double const r = static_cast<double>(s - warmup) / static_cast<double>(steps - cooldown);
        if (schedule != llmq_schedule::cosine)
            return static_cast<float>(static_cast<double>(peak) + static_cast<double>(low - peak) * (r < 1 ? r : 1.0));
        double const left = 0.5 * math::cos(r * math::pi) + 0.5;
        return static_cast<float>(left * static_cast<double>(peak - low) + static_cast<double>(low));
    }
};

}  // namespace midtrain::inline MT_ABI::annealing::like

namespace midtrain::inline MT_ABI {
namespace like = annealing::like;
}
