#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// rate = peak, all along.
struct constant {
    required<double> peak;

    constexpr double rate(progress) const { return peak; }
};

/// A factor of one, all along: it changes nothing and weighs nothing.
struct unchanged {
    constexpr double rate(progress) const { return 1; }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::constant;
}
