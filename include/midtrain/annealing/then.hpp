#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// Whether two policies must meet where they join.
enum class joint { continuous, jump };

/// Whether the rates on both sides of a joint are the same but for rounding.
constexpr bool joint_meets(double a, double b) {
    double const apart = a < b ? b - a : a - b, size = a < b ? b : a;
    return apart <= 1e-9 * size;
}

/// `first` until `until` tokens of the stage are done, `second` over what is left; each sees a budget of its own and starts at zero. So
/// `then{.first = linear{0, peak}, .until = W, .second = cosine{peak, floor}}` is transformers' cosine schedule with warm-up. A
/// recipe in which the two do not meet is refused unless the joint says `jump`. `second` counts steps from zero, too.
template <class First, class Second>
struct then {
    First            first;
    required<tokens> until;
    Second           second;
    joint            at_joint = joint::continuous;

    constexpr double rate(progress at) const { return at.seen < until ? first.rate(before(at)) : second.rate(after(at)); }

    /// The join lies inside the stage, and the parts fit where they stand.
    constexpr bool fits(tokens budget) const {
        if (until < tokens{} || budget < until) return false;
        if (!part_fits(first, until) || !part_fits(second, budget - until)) return false;
        if (at_joint == joint::jump || until == tokens{}) return true;
        return joint_meets(first.rate({0, until, until, {}}), second.rate({0, {}, budget - until, {}}));
    }

    // Below: parts of the above. Public, so that the policy stays an aggregate.
    constexpr progress before(progress at) const { return {at.step, at.seen, until, at.batch}; }
    constexpr progress after(progress at) const {
        std::int64_t const steps = at.batch.count > 0 ? at.step - (until.value.count + at.batch.count - 1) / at.batch.count : at.step;
        return {steps, at.seen - until, at.budget - until, at.batch};
    }
    template <class Part>
    static constexpr bool part_fits(Part const& p, tokens budget) {
        if constexpr (requires { p.fits(budget); }) return p.fits(budget);
        else return true;
    }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::joint;
using annealing::then;
}  // namespace midtrain::inline MT_ABI
