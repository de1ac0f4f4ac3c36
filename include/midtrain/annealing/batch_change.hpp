#pragma once
#include <cstdint>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// After so many tokens, or steps, a step has so many sequences.
struct batch_change {
    std::int64_t after     = 0;
    index_t      sequences = 0;
};

}  // namespace midtrain::inline MT_ABI::annealing
