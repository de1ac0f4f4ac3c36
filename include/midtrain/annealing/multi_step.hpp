#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/short_list.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// From so many tokens on, so many times the peak.
struct milestone {
    required<tokens> after;
    required<double> times;
};

/// The peak, and from each milestone on its multiple of it: constant between, jumping by intent (DeepSeek LLM 2024: 0.316 after 80 %,
/// 0.1 after 90 % of the tokens). Each multiple is of the peak, where torch's MultiStepLR multiplies by gamma once more.
struct multi_step {
    required<double>      peak;
    short_list<milestone> steps{};

    constexpr double rate(progress at) const {
        double now = peak;
        for (auto const& m : steps)
            if (m.after <= at.seen) now = peak * m.times;
        return now;
    }
    constexpr bool fits(tokens budget) const {
        tokens before{-1};
        for (auto const& m : steps) {
            if (!(before < m.after && m.after < budget && m.times >= 0)) return false;
            before = m.after;
        }
        return true;
    }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::multi_step;
}
