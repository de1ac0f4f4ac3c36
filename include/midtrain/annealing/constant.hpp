#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// rate = peak, all along.
struct constant {
    required<double> peak;

    constexpr double rate(progress) const { return peak; }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::constant;
}
