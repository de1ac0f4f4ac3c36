#pragma once
#include <midtrain/annealing/shapes.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// rate = to + (from - to) * (1 - r)^power: transformers' polynomial decay; a power of one is linear.
struct polynomial {
    required<double> from, to;
    double           power = 2;

    constexpr double rate(progress at) const { return fall(polynomial_shape{power}, from, to, at.share()); }
    constexpr bool   fits(tokens) const { return polynomial_shape{power}.fits(from, to); }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::polynomial;
}
