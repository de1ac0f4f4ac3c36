#pragma once

#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// Does the problem on the device: its tuned way when it has one, else the plain functors (found as `plain(device, problem)`).
template <class Device, class Problem>
void run(Device& device, Problem const& problem) {
    if constexpr (requires { device.run(problem); }) device.run(problem);
    else plain(device, problem);
}

}  // namespace midtrain::inline MT_ABI
