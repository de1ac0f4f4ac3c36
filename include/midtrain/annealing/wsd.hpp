#pragma once
#include <midtrain/annealing/decay.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// Where a warm-up of W tokens begins: at zero (transformers: step s has s / W of the peak) or one batch on (torchtitan, llm.c:
/// (s + 1) / W), which reaches the peak one step earlier and wastes no step on a rate of zero.
enum class warmup_from { zero, one_batch };

/// Warm-up, stable, decay (Hu et al. 2024): up to the peak over `warmup`, there until `decay` tokens are left, then down to `floor` in
/// the shape. A stage in which warm-up and decay do not fit is refused.
template <class Shape = linear_shape>
struct wsd_of {
    required<double> peak;
    required<tokens> decay;
    tokens           warmup{};
    double           floor = 0;
    warmup_from      from  = warmup_from::zero;
    Shape            shape{};

    constexpr double rate(progress at) const {
        tokens const up = from == warmup_from::zero ? at.seen : at.seen + at.batch;
        if (up < warmup) return peak * ratio(up, warmup);
        if (at.left() >= decay) return peak;
        double const r = 1.0 - ratio(at.left(), decay);
        return floor + (peak - floor) * shape.left(r > 1 ? 1.0 : r);
    }

    /// Warm-up and decay leave each other room.
    constexpr bool fits(tokens budget) const { return tokens{} <= warmup && tokens{} <= decay && warmup + decay <= budget; }
};
using wsd = wsd_of<>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::wsd;
using annealing::wsd_of;
}  // namespace midtrain::inline MT_ABI
