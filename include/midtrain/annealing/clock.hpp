#pragma once
#include <cstdint>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// What a plan is measured in. A plan in steps means the stage's own steps, also under a batch ramp.
struct in_tokens {
    static constexpr bool counts_steps = false;
    using place = tokens;
    static constexpr std::int64_t done(progress at) { return at.seen.count; }
    static constexpr std::int64_t count(tokens t) { return t.count; }
};
struct in_steps {
    static constexpr bool counts_steps = true;
    using place = std::int64_t;
    static constexpr std::int64_t done(progress at) { return at.step; }
    static constexpr std::int64_t count(std::int64_t s) { return s; }
};

}  // namespace midtrain::inline MT_ABI::annealing
