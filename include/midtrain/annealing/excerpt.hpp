#pragma once
#include <cstdint>
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

    constexpr double rate(progress at) const {
        std::int64_t const steps = at.batch.count > 0 ? (skip.count + at.batch.count - 1) / at.batch.count : 0;
        return policy.rate({at.step + steps, at.seen + skip, of, at.batch});
    }
    constexpr bool fits(tokens budget) const {
        bool const inside = tokens{} <= skip && budget + skip <= of;
        if constexpr (requires { policy.fits(budget); }) return inside && policy.fits(of);
        else return inside;
    }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::excerpt;
}
