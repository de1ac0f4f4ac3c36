#pragma once
#include <midtrain/annealing/decay.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// Where a warm-up of W tokens begins: at zero (transformers: step s has s / W of the peak) or one batch on (torchtitan, llm.c:
/// (s + 1) / W), which reaches the peak one step earlier and wastes no step on a rate of zero.
enum class warmup_from { zero, one_batch };

/// Warm-up, stable, decay (Hu et al. 2024): up to the peak over `warmup`, there until `decay` tokens are left, then down to `floor` in
/// the shape. warmup + decay must not exceed the stage's budget.
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
};
using wsd = wsd_of<>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::wsd;
using annealing::wsd_of;
}  // namespace midtrain::inline MT_ABI
