#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// rate = to + (from - to) * (1 - r)^power: transformers' polynomial decay; a power of one is linear.
struct polynomial {
    required<double> from, to;
    double           power = 2;

    constexpr double rate(progress at) const {
        double const left = 1.0 - at.share();
        return to + (from - to) * (left > 0 ? math::pow(left, power) : 0.0);
    }
    constexpr bool fits(tokens) const { return power > 0; }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::polynomial;
}
