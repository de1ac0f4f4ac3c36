#pragma once
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

    constexpr double rate(progress at) const {
        if (at.left() >= decay) return policy.rate(at);
        return fall(shape, rate_at_joint(at), floor, 1.0 - ratio(at.left(), decay));
    }
    constexpr bool fits(tokens budget) const {
        return tokens{} <= decay && decay <= budget && part_fits(policy, budget) && shape_fits(shape, rate_at_joint({0, budget, budget, {}}), floor);
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr double rate_at_joint(progress at) const { return policy.rate(moved_back(at, at.budget - decay)); }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::cooled;
}
