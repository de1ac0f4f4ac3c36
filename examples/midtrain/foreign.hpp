#pragma once
#include <cstdint>
#include <string>

namespace program {

struct foreign_settings {
    std::string  file;      ///< the configuration of another trainer
    std::string  run_file;  ///< to write the same run as one of ours; empty: not
    std::string  model;     ///< that the run starts from, to compare positions
    std::int64_t steps = 0, length = 0, ranks = 1;
};

/// Prints what the run does and what is wrong with it; throws when our rules refuse it.
void plan_foreign(foreign_settings const& s);

}  // namespace program
