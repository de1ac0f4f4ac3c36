#pragma once
#include <ctime>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// Seconds of a clock that never goes back, since some moment: differences count. <chrono> costs each reader a quarter of a second.
inline double seconds_now() {
    std::timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

}  // namespace midtrain::inline MT_ABI
