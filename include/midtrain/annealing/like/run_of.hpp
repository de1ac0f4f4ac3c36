#pragma once
#include <cstdint>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing::like {

/// What a stage sees of another trainer's rate that goes on with its run after `steps_done` steps and `tokens_done` tokens. Steps are
/// counted as that run did, whatever its batch was; excerpt.hpp counts those before the stage in batches of ours.
template <class Trainer>
struct run_of {
    Trainer      trainer{};
    std::int64_t steps_done = 0;
    tokens       tokens_done{};

    constexpr double rate(progress at) const {
        return trainer.rate({at.step + steps_done, at.seen + tokens_done, at.budget + tokens_done, at.batch});
    }
    constexpr bool fits(tokens budget) const {
        return steps_done >= 0 && tokens{} <= tokens_done && trainer.fits(budget + tokens_done);
    }
};

}  // namespace midtrain::inline MT_ABI::annealing::like

namespace midtrain::inline MT_ABI {
namespace like = annealing::like;
}
