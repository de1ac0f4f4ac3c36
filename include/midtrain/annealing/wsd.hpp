#pragma once
#include <midtrain/annealing/shapes.hpp>
#include <midtrain/annealing/warmup.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// Warm-up, stable, decay (Hu et al. 2024): from `start` up to the peak over `warmup`, there until `decay` tokens are left, then down to
/// `floor` in the shape. A stage in which warm-up and decay do not fit is refused.
template <class Shape = linear_shape>
struct wsd_of {
    required<double>            peak;
    required<tokens>            decay;
    tokens                      warmup{};
    double                      floor = 0;
    warmup_from                 from  = warmup_from::zero;
    double                      start = 0;
    [[no_unique_address]] Shape shape{};

    constexpr double rate(progress at) const {
        tokens const up = warmed_so_far(at, from);
        if (up < warmup) return warm_up(start, peak, up, warmup);
        if (at.left() >= decay) return peak;
        return fall(shape, peak, floor, 1.0 - ratio(at.left(), decay));
    }

    /// Warm-up and decay leave each other room.
    constexpr bool fits(tokens budget) const {
        return tokens{} <= warmup && tokens{} <= decay && warmup + decay <= budget && shape_fits(shape, peak, floor);
    }
};
using wsd = wsd_of<>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::warmup_from;
using annealing::wsd;
using annealing::wsd_of;
}  // namespace midtrain::inline MT_ABI
