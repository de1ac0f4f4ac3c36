#pragma once
#include <midtrain/annealing/part.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// A stretch of a policy that was made for a longer way: what a stage sees of `policy` over `of` tokens, from `skip` on. So a cosine over
/// 5T tokens that stops after 3.9T (OLMo 2) is `excerpt{.of = 5T, .policy = cosine{...}}` in a stage of 3.9T. A stage that asks for more
/// than there is, is refused.
template <class Policy>
struct excerpt {
    required<tokens> of;
    tokens           skip{};
    Policy           policy{};

    constexpr double rate(progress at) const { return rate_of(policy, part_of(at, tokens{} - skip, of)); }
    constexpr double rate(progress at, loss_record const& so_far) const
        requires RateLooksBack<Policy>
    {
        return policy.rate(part_of(at, tokens{} - skip, of), so_far);
    }
    constexpr bool fits(tokens budget, tokens batch = {}) const {
        return tokens{} <= skip && budget + skip <= of && part_fits(policy, of, batch);
    }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::excerpt;
}
