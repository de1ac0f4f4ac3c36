#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <midtrain/core/noise_scale.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// Seconds of a step by what they went to; all zero where nobody measured. What was saved or evaluated between two steps counts for the
/// later one. Observers that took a millisecond or more evaluated; those that only write a line take less.
struct step_phases {
    double data = 0, compute = 0, update = 0, checkpoint = 0, evaluation = 0;

    double sum() const { return data + compute + update + checkpoint + evaluation; }
};

/// That a run was saved after so many steps and tokens.
struct saved_step {
    std::int64_t step = 0, tokens = 0;
};

/// What an observer is told after each optimizer step. Spans live until the next step.
struct report {
    std::string_view              stage;
    int                           stage_number  = 1;  ///< from 1
    int                           stage_count   = 1;
    std::int64_t                  step          = 0;  ///< optimizer steps done over all stages
    progress                      at;               ///< after the step; `batch` is that of the step
    double                        loss          = 0;  ///< mean over the step's targets, in nats
    double                        rate          = 0;
    double                        gradient_norm = 0;  ///< before clipping
    double                        seconds       = 0;  ///< that the step took
    double                        seconds_left  = 0;  ///< of the whole run, at the speed so far
    step_phases                   phases;
    std::string_view              fault;              ///< "skipped" or "rewound" where the step was one; empty: all is well
    std::string_view              fault_text;         ///< for people
    std::span<std::string const>  sources;
    std::span<double const>       weights;            ///< by source, in force at this step
    std::span<double const>       source_loss;        ///< by source, mean over this step's targets; 0 where it had none
    std::span<std::int64_t const> source_targets;     ///< by source, targets in this step
    std::span<std::int64_t const> source_tokens;      ///< by source, tokens drawn in the stage so far
    std::span<std::int64_t const> source_epochs;      ///< by source, whole passes so far, in all stages: run_state::epochs
    noise_scale                   noise;              ///< of the last measured steps, where this one was measured
    std::span<double const>       source_noise;       ///< by source, the scale in tokens; empty where this step was not measured

    std::span<router_info const>  routers;            ///< of experts; empty where the model has none
    std::span<double const>       router_loads;       ///< of the step; see load()
    std::span<double const>       mtp_losses;         ///< by module that predicts tokens further on; empty where the model has none

    /// Of one of the routers: choices by expert, losses, what found no room.
    seen_load load(router_info const& r) const {
        return {{router_loads.data() + r.offset, router_load::size_of(r.experts)}};
    }
    double tokens_per_second() const { return seconds > 0 ? static_cast<double>(at.batch.count) / seconds : 0.0; }
};

}  // namespace midtrain::inline MT_ABI
