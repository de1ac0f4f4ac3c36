#pragma once
#include <cstdint>
#include <midtrain/annealing/like/rounding.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing::like {

/// Where a run of Hugging Face's Trainer stands: step s, from zero, of N, the first W of which warm up.
struct hf_place {
    std::int64_t step = 0, warmup = 0, steps = 0;
    double       learning_rate = 0;

    constexpr bool   warms() const { return step < warmup; }
    constexpr double up() const { return static_cast<double>(step) / static_cast<double>(warmup < 1 ? 1 : warmup); }  ///< s / W
    constexpr double down() const { return share(step - warmup, steps - warmup); }  ///< (s - W) / (N - W)
    static constexpr double share(std::int64_t n, std::int64_t of) { return static_cast<double>(n) / static_cast<double>(of < 1 ? 1 : of); }
};

/// The rate of Hugging Face's Trainer (transformers 5.24, optimization.py), of which Scheduler is one of hf_schedulers.hpp:
///   rate = learning_rate * scheduler.factor(s, W, N).
/// Fields are those of TrainingArguments; `scheduler` stands for lr_scheduler_type and lr_scheduler_kwargs. The first step has s = 0.
/// Steps are the stage's own, whatever their batch; to go on with a run from its middle see run_of.hpp.
template <class Scheduler>
struct hf {
    required<double>       learning_rate;
    required<std::int64_t> max_steps;
    double                 warmup_steps = 0;  ///< below one: a share of max_steps, rounded up
    Scheduler              scheduler{};

    constexpr double rate(progress at) const { return learning_rate * scheduler.factor(place(at.step)); }

    /// The trainer would take these numbers, too.
    constexpr bool fits(tokens) const {
        if (learning_rate < 0 || max_steps < 1 || warmup_steps < 0 || !(warmup_steps < 9e15)) return false;
        if constexpr (requires { scheduler.fits(hf_place{}); }) return scheduler.fits(place(0));
        else return true;
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr hf_place place(std::int64_t step) const {
        double const share = static_cast<double>(max_steps) * warmup_steps;
        return {step, warmup_steps >= 1 ? floored(warmup_steps) : ceiled(share), max_steps, learning_rate};
    }
};

}  // namespace midtrain::inline MT_ABI::annealing::like

namespace midtrain::inline MT_ABI {
namespace like = annealing::like;
}
