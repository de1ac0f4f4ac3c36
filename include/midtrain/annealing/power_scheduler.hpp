#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// rate = min(peak, scale * n^exponent) after n tokens, `before` among them: the power scheduler (Shen et al. 2024, equation 6), where
/// scale is the batch size times a. Wants a warm-up before it (`warmed`) and a tail behind it (`cooled`).
struct power_scheduler {
    required<double> peak, scale;
    double           exponent = -0.51;
    tokens           before{};

    constexpr double rate(progress at) const {
        tokens const n = at.seen + before;
        if (n <= tokens{}) return peak;
        double const power = scale * math::pow(static_cast<double>(n.count), exponent);
        return power < peak ? power : peak.value;
    }
    constexpr bool fits(tokens) const { return scale > 0 && exponent <= 0 && tokens{} <= before; }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::power_scheduler;
}
