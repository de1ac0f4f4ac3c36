#pragma once
#include <cstdint>
#include <midtrain/annealing/part.hpp>
#include <midtrain/annealing/shapes.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// A policy with a tail: as `policy` says over the whole stage until `decay` tokens are left, then from the rate that it has there down to
/// `floor` in the shape. So any schedule can be cut short (OLMo-core's OverrideDecay, its cosine with a linear tail).
template <class Policy, class Shape = linear_shape>
struct cooled {
    required<tokens>            decay;
    Policy                      policy{};
    double                      floor = 0;
    [[no_unique_address]] Shape shape{};

    constexpr double rate(progress at) const { return at_part(at, {}); }
    constexpr double rate(progress at, loss_record const& so_far) const
        requires RateLooksBack<Policy>
    {
        return at_part(at, so_far);
    }
    constexpr bool fits(tokens budget, tokens batch = {}) const {
        std::int64_t const steps = batch.count > 0 ? budget.count / batch.count : 0;
        return tokens{} <= decay && decay <= budget && part_fits(policy, budget, batch) &&
               shape_fits(shape, rate_at_joint({steps, budget, budget, batch}, {}), floor);
    }

    // Below: parts of the above. Public, so that the policy stays an aggregate.
    constexpr double at_part(progress at, loss_record const& so_far) const {
        if (at.left() >= decay) return rate_of(policy, at, so_far);
        return fall(shape, rate_at_joint(at, so_far), floor, 1.0 - ratio(at.left(), decay));
    }
    // What the tail begins with is settled where it begins: later losses do not move it.
    constexpr double rate_at_joint(progress at, loss_record const& so_far) const {
        progress const joint = moved_back(at, at.budget - decay);
        return rate_of(policy, joint, so_far.before(so_far.stage_begin + joint.step));
    }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::cooled;
}
