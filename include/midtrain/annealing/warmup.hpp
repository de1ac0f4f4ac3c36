#pragma once
#include <midtrain/annealing/part.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/start_rate.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// Where a warm-up of W tokens begins: at zero (transformers, Megatron-LM, nanotron: step s has s / W of the way) or one batch on
/// (torchtitan, llm.c: (s + 1) / W), which reaches the peak one step earlier and wastes no step on a rate of zero. Whether the step at W
/// itself still counts as warm-up (Megatron-LM, nanotron) or not (transformers) makes no difference, since both sides meet there.
enum class warmup_from { zero, one_batch };

/// What a warm-up has to do with at this point; none is left once it is not below W.
constexpr tokens warmed_so_far(progress at, warmup_from from) { return from == warmup_from::zero ? at.seen : at.seen + at.batch; }

/// From `start` to `peak` in a straight line, `up` of `over` tokens on.
constexpr double warm_up(double start, double peak, tokens up, tokens over) { return start + (peak - start) * ratio(up, over); }

/// A policy behind a warm-up: over `over` tokens from `start` to where the policy begins, then the policy over what is left. `start` is
/// a rate, zero, or `inherit`, that of the checkpoint from which the run forks: re-warming (Ibrahim et al. 2024).
template <class Policy>
struct warmed {
    required<tokens> over;
    Policy           policy{};
    start_rate       start = 0;
    warmup_from      from  = warmup_from::zero;

    constexpr double rate(progress at) const { return at_part(at, {}); }
    constexpr double rate(progress at, loss_record const& so_far) const
        requires RateLooksBack<Policy>
    {
        return at_part(at, so_far);
    }
    constexpr bool fits(tokens budget, tokens batch = {}) const {
        return tokens{} <= over && over < budget && start >= 0 && part_fits(policy, budget - over, batch);
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr double at_part(progress at, loss_record const& so_far) const {
        tokens const up = warmed_so_far(at, from);
        if (at.seen < over && up < over) return warm_up(start, rate_at_start(policy, at.budget - over, at.batch), up, over);
        if (at.seen < over) return rate_at_start(policy, at.budget - over, at.batch);
        progress const own = part_of(at, over, at.budget - over);
        return rate_of(policy, own, record_of(so_far, at, own));
    }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::warmed;
}
