#pragma once
#include <midtrain/annealing/warmup.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// Up to the peak over `warmup` tokens W, then floor + (peak - floor) * sqrt(T / (n - W + T)) after n tokens. With T = W, which is what no
/// `timescale` means, this is peak * sqrt(W / n) (Vaswani et al. 2017, equation 3; Megatron-LM); else the form with a time scale of
/// transformers' inverse_sqrt and llm-foundry.
struct inverse_sqrt {
    required<double> peak;
    required<tokens> warmup;
    tokens           timescale{};
    double           floor = 0;
    warmup_from      from  = warmup_from::zero;
    double           start = 0;

    constexpr double rate(progress at) const {
        tokens const up = warmed_so_far(at, from);
        if (up < warmup) return warm_up(start, peak, up, warmup);
        if (at.seen < warmup) return peak;
        tokens const scale = timescale > tokens{} ? timescale : warmup.value;
        return floor + (peak - floor) * math::sqrt(ratio(scale, at.seen - warmup + scale));
    }
    constexpr bool fits(tokens budget) const {
        return tokens{} < warmup.value && warmup <= budget && tokens{} <= timescale && floor >= 0 && floor <= peak;
    }
};

/// The peak of the Transformer's own schedule, factor / sqrt(width * W), W in steps: "Noam" (Vaswani et al. 2017, equation 3).
constexpr double noam_peak(double width, double warmup_steps, double factor = 1) { return factor / math::sqrt(width * warmup_steps); }

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::inverse_sqrt;
using annealing::noam_peak;
}  // namespace midtrain::inline MT_ABI
