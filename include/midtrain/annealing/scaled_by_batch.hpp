#pragma once
#include <midtrain/annealing/part.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// A policy whose rates were made for batches of `of` tokens, under a batch ramp: rate * (batch / of)^power. Adam's rates grow by the
/// square root of the batch (Malladi et al. 2022; OLMo-core's batch size scheduler), SGD's in proportion.
template <class Policy>
struct scaled_by_batch {
    required<tokens> of;
    Policy           policy{};
    double           power = 0.5;

    constexpr double rate(progress at) const { return rate_of(policy, at) * multiple(at); }
    constexpr double rate(progress at, loss_record const& so_far) const
        requires RateLooksBack<Policy>
    {
        return policy.rate(at, so_far) * multiple(at);
    }
    constexpr bool fits(tokens budget, tokens batch = {}) const { return tokens{} < of.value && part_fits(policy, budget, batch); }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr double multiple(progress at) const { return at.batch.count > 0 ? math::pow(ratio(at.batch, of), power) : 1.0; }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::scaled_by_batch;
}
