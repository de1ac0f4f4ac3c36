#pragma once
#include <cstddef>
#include <cstdint>
#include <midtrain/annealing/part.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// rate = max(factor^k * policy's, least), where k counts how often the stage's held-out loss (the mean over its sources) has gone
/// more than `patience` evaluations without falling by `threshold`, a share of the best loss. torch's ReduceLROnPlateau (mode min, relative
/// threshold, eps 0) as a pure function of the recorded evaluations.
template <class Policy>
struct reduce_on_plateau {
    Policy       policy{};
    double       factor    = 0.1;
    std::int64_t patience  = 10;    ///< evaluations without progress that are borne
    double       threshold = 1e-4;  ///< share of the best loss that counts as progress
    std::int64_t cooldown  = 0;     ///< evaluations after a reduction that do not count
    double       least     = 0;     ///< the rate is not reduced below it

    constexpr double rate(progress at, loss_record const& so_far) const {
        double const full = rate_of(policy, at, so_far);
        double       r    = full;
        for (std::int64_t k = reductions(so_far); k > 0; --k) r *= factor;
        return r > least ? r : full < least ? full : least;
    }
    constexpr bool fits(tokens budget, tokens batch = {}) const {
        bool const sound = factor > 0 && factor < 1 && patience >= 0 && cooldown >= 0 && threshold >= 0 && threshold < 1 && least >= 0;
        return sound && part_fits(policy, budget, batch);
    }
    /// How often the rate has been reduced.
    constexpr std::int64_t reductions(loss_record const& so_far) const {
        double       best  = math::infinity;
        std::int64_t count = 0, bad = 0, cooling = 0;
        for (std::size_t e = 0; e < so_far.evaluations(); ++e) {
            if (so_far.evaluated_at(e) <= so_far.stage_begin && so_far.stage_begin > 0) continue;
            double const loss = so_far.held_out_loss(e);
            if (loss < best * (1.0 - threshold)) best = loss, bad = 0;
            else ++bad;
            if (cooling > 0) --cooling, bad = 0;
            if (bad > patience) ++count, cooling = cooldown, bad = 0;
        }
        return count;
    }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::reduce_on_plateau;
}
