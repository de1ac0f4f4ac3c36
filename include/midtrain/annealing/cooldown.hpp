#pragma once
#include <midtrain/annealing/shapes.hpp>
#include <midtrain/core/start_rate.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// A decay that begins where the trunk stands: over the whole stage from the rate that the checkpoint had from which the run forks,
/// in any shape, to `to` or to a share of that rate. `cooldown{.to_share = 1}` holds the rate, `.from` overrides it.
template <class Shape = linear_shape>
struct cooldown_of {
    start_rate                  from     = inherit;
    double                      to       = 0;
    double                      to_share = 0;  ///< of `from`; stands instead of `to`
    [[no_unique_address]] Shape shape{};

    constexpr double floor() const { return to_share > 0 ? to_share * from : to; }
    constexpr double rate(progress at) const { return fall(shape, from, floor(), at.share()); }
    constexpr bool   fits(tokens) const {
        return from >= 0 && (to == 0 || to_share == 0) && to_share >= 0 && to_share <= 1 && shape_fits(shape, from, floor());
    }
};
using cooldown = cooldown_of<>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::cooldown;
using annealing::cooldown_of;
}  // namespace midtrain::inline MT_ABI
