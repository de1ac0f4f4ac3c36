#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/train/batches.hpp>

namespace midtrain::inline MT_ABI {

/// All that a run remembers besides the model's weights and slots. A checkpoint holds exactly that and those.
struct run_state {
    static constexpr int version = 1;

    std::string              settings;            ///< of the recipe, `key=value` lines: what a resumed run is compared with
    std::vector<std::string> sources;
    std::int64_t             stage         = 0;   ///< number of the stage, from 0
    std::int64_t             step_in_stage = 0;   ///< steps of that stage that are done
    std::int64_t             step          = 0;   ///< optimizer steps over all stages
    std::int64_t             tokens        = 0;   ///< over all stages
    data::sampler::state     drawn;               ///< in this stage
    std::vector<data::cursor> cursors;            ///< by source, over all stages
    std::vector<double>      record;              ///< append-only: a row a step of loss, then loss by source (NaN: no target)

    std::size_t record_width() const { return 1 + sources.size(); }
};

}  // namespace midtrain::inline MT_ABI
