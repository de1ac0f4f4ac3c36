#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/train/batches.hpp>

namespace midtrain::inline MT_ABI {

/// All that a run remembers besides the model's weights and slots. A checkpoint holds exactly that and those.
struct run_state {
    static constexpr int version = 3;  ///< 2 had no held_out and no noise, and is read

    /// Something that happened after so many steps, in words.
    struct event {
        std::int64_t step = 0;
        std::string  what;

        friend bool operator==(event const&, event const&) = default;
    };
    /// The checkpoint that a fork began from. No path: this run is none.
    struct origin {
        std::string  path;
        std::int64_t step = 0, tokens = 0;
        std::string  checksum;
        double       rate = 0;  ///< of the step that would have come next; 0: its checkpoint did not say

        friend bool operator==(origin const&, origin const&) = default;
    };

    std::string               settings;             ///< of the recipe, `key=value` lines: what a resumed run is compared with
    std::vector<std::string>  sources;
    std::int64_t              stage           = 0;  ///< number of the stage, from 0
    std::int64_t              step_in_stage   = 0;  ///< steps of that stage that are done
    std::int64_t              step            = 0;  ///< steps over all stages
    std::int64_t              tokens          = 0;  ///< over all stages
    std::int64_t              optimizer_step  = 0;  ///< updates that the slots have seen: a fork may bring some, a skipped step adds none
    std::int64_t              average_updates = 0;  ///< that the running average has seen
    double                    rate            = 0;  ///< of the step that comes next: what a fork may inherit
    data::sampler::state      drawn;                ///< in this stage
    std::vector<data::cursor> cursors;              ///< by source, over all stages
    std::vector<data::bucket_places> buckets;       ///< by source, of those whose documents an order has put in buckets
    std::vector<double>       record;               ///< append-only: a row a step of loss, then loss by source (NaN: no target)
    std::vector<double>       norms;                ///< append-only: the gradient's norm of each step
    std::vector<double>       held_out;             ///< append-only: a row an evaluation, as loss_record knows it
    std::vector<double>       noise;                ///< append-only: a row a step whose noise was measured, as loss_record knows it
    std::vector<event>        lineage;              ///< forks and accepted changes of the recipe
    std::vector<event>        faults;               ///< steps that were skipped or rewound
    origin                    parent;

    std::size_t record_width() const { return 1 + sources.size(); }
    /// Whole passes over a source's documents so far; where an order has put them in buckets, over those of the bucket that saw most.
    std::int64_t epochs(std::size_t source) const {
        std::int64_t most = cursors[source].epoch;
        if (source < buckets.size())
            for (auto const& of : buckets[source].cursors) most = std::max(most, of.epoch);
        return most;
    }
    /// What policies that look back may see; it points here.
    loss_record seen() const {
        return {.values = record, .sources = sources.size(), .stage_begin = step - step_in_stage, .held_out = held_out, .noise = noise};
    }
};

}  // namespace midtrain::inline MT_ABI
