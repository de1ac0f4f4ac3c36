#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// rate = floor + (peak - floor) * ((seen + over) / over)^exponent: a fall that knows no end. After a warm-up of `over` tokens it is the
/// inverse square root, and with exponent -0.51 OLMo-core's PowerLR.
struct power_law {
    required<double> peak;
    required<tokens> over;
    double           exponent = -0.5;
    double           floor    = 0;

    constexpr double rate(progress at) const { return floor + (peak - floor) * math::pow(ratio(at.seen + over, over), exponent); }
    constexpr bool   fits(tokens) const { return over > tokens{} && exponent <= 0; }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::power_law;
}
