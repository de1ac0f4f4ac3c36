#pragma once
#include <midtrain/annealing/shapes.hpp>
#include <midtrain/annealing/warmup.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// The infinite schedule (Ibrahim et al. 2024, section 7.2): up to the peak over `warmup`, down to `held` over `fall` tokens in a cosine,
/// constant for as long as it takes, and over the last `decay` tokens to `floor` at the same ratio in every step.
template <class Fall = cosine_shape, class Anneal = exponential_shape>
struct infinite_of {
    required<double>             peak, held, floor;
    required<tokens>             fall, decay;
    tokens                       warmup{};
    warmup_from                  from  = warmup_from::zero;
    double                       start = 0;
    [[no_unique_address]] Fall   fall_shape{};
    [[no_unique_address]] Anneal decay_shape{};

    constexpr double rate(progress at) const {
        tokens const up = warmed_so_far(at, from);
        if (up < warmup) return warm_up(start, peak, up, warmup);
        if (at.seen < warmup) return peak;
        if (at.seen - warmup < fall) return annealing::fall(fall_shape, peak, held, ratio(at.seen - warmup, fall));
        if (at.left() >= decay) return held;
        return annealing::fall(decay_shape, held, floor, 1.0 - ratio(at.left(), decay));
    }
    constexpr bool fits(tokens budget) const {
        return tokens{} <= warmup && tokens{} <= fall && tokens{} <= decay && warmup + fall + decay <= budget &&
               shape_fits(fall_shape, peak, held) && shape_fits(decay_shape, held, floor);
    }
};
using infinite = infinite_of<>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::infinite;
using annealing::infinite_of;
}  // namespace midtrain::inline MT_ABI
