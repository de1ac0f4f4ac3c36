#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/run_state.hpp>
#include <midtrain/train/setting_changes.hpp>
#include <midtrain/train/stage.hpp>

namespace midtrain::inline MT_ABI {

/// Refuses what a recipe may not change under a run that is on its way, whatever the user accepts: a stage with fewer steps than are done,
/// a batch within its stage, fewer stages than were begun.
template <class Recipe>
void refuse_impossible_changes(Recipe const& r, run_state const& state, std::vector<setting_change> const& changes) {
    int                stages = 0;
    std::int64_t const done   = state.step_in_stage;
    for_each_stage(r.stages, [&](auto const& s, int n) {
        ++stages;
        if (n != state.stage) return;
        auto const name = std::string(s.name);
        check(done <= s.steps(), [&] {
            return "stage '" + name + "' has " + std::to_string(s.steps()) + " steps in this recipe, and the checkpoint has done " +
                   std::to_string(done);
        });
        bool const within = done > 0 && done < s.steps();
        auto const of_batch = [&](std::string const& key) {
            return key == name + ".batch.sequences" || key == name + ".batch.length" || key.starts_with(name + ".batch.ramp.");
        };
        for (auto const& c : changes)
            check(!within || !of_batch(c.key), [&] {
                return "the checkpoint stands within stage '" + name + "', whose batch cannot change on the way: " + c.compared();
            });
    });
    check(state.stage < stages, [&] {
        return "the checkpoint stands in stage " + std::to_string(state.stage + 1) + ", and this recipe has " + std::to_string(stages);
    });
}

}  // namespace midtrain::inline MT_ABI
