#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::averaging {

/// Whether the first weights count as all that came before them, as in torch.optim.swa_utils, or only as much as any other.
enum class ema_start { first_weights, corrected };

/// Exponential moving average: after each step average = decay * average + (1 - decay) * weights. Corrected (Kingma and Ba 2015, section
/// 3), step n has the share (1 - decay) / (1 - decay^n), so that an average over few steps is one over those alone.
struct ema {
    required<double> decay;
    ema_start        start = ema_start::first_weights;

    constexpr double share(progress at) const {
        if (at.step <= 1) return 1.0;
        double const d = decay;
        return start == ema_start::first_weights ? 1.0 - d : (1.0 - d) / (1.0 - math::pow(d, static_cast<double>(at.step)));
    }
};

/// The same with a memory in tokens: what is `half_life` tokens old counts half, whatever the batch. Corrected: weights after t tokens
/// have had 1 - 2^(-t / half_life) in all.
struct ema_by_tokens {
    required<tokens> half_life;
    ema_start        start = ema_start::first_weights;

    constexpr double share(progress at) const {
        if (!(at.batch < at.seen)) return 1.0;
        double const now = 1.0 - math::pow(2.0, -ratio(at.batch, half_life));
        return start == ema_start::first_weights ? now : now / (1.0 - math::pow(2.0, -ratio(at.seen, half_life)));
    }
};

}  // namespace midtrain::inline MT_ABI::averaging

namespace midtrain::inline MT_ABI {
using averaging::ema;
using averaging::ema_by_tokens;
}  // namespace midtrain::inline MT_ABI
