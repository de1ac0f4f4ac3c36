#pragma once
#include <midtrain/annealing/part.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// `first` until `until` tokens of the stage are done, `second` over what is left; each sees a budget of its own and starts at zero. So
/// `then{.first = linear{0, peak}, .until = W, .second = cosine{peak, floor}}` is transformers' cosine schedule with warm-up. A
/// recipe in which the two do not meet is refused unless the joint says `jump`. `second` counts steps from zero, too.
template <class First, class Second>
struct then {
    First            first;
    required<tokens> until;
    Second           second;
    joint            at_joint = joint::continuous;

    constexpr double rate(progress at) const { return at_part(at, {}); }
    constexpr double rate(progress at, loss_record const& so_far) const
        requires(RateLooksBack<First> || RateLooksBack<Second>)
    {
        return at_part(at, so_far);
    }

    /// The join lies inside the stage, and the parts fit where they stand.
    constexpr bool fits(tokens budget, tokens batch = {}) const {
        if (until < tokens{} || budget < until) return false;
        if (!part_fits(first, until, batch) || !part_fits(second, budget - until, batch)) return false;
        if (at_joint == joint::jump || until == tokens{}) return true;
        return joint_meets(rate_at_end(first, until, batch), rate_at_start(second, budget - until, batch));
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr double at_part(progress at, loss_record const& so_far) const {
        if (at.seen < until) return rate_of(first, part_of(at, {}, until), so_far);
        progress const own = part_of(at, until, at.budget - until);
        return rate_of(second, own, record_of(so_far, at, own));
    }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::then;
}
