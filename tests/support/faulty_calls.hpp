#pragma once
#include <string>

// Calls to the system that change files, as the tests let them go wrong. tests/train/faulty_calls.cpp puts itself before the C library's
// open, write, fsync, rename, ..., so what is tested needs no seam and pays nothing.
namespace test {

enum class fault_mode {
    none,
    refuse,  ///< the call returns an error and does nothing
    halve,   ///< a write takes only half of its bytes, once
    cut      ///< the power goes: what was not brought to the disk is lost, and the process is gone
};

/// The call number `at`, from 0, of those that change files goes wrong, with `error` where it is refused; counting begins now.
void arm_faults(fault_mode mode, int at, int error);
void disarm_faults();
/// Calls since arming, and what the last one that went wrong was.
int         counted_calls();
std::string faulty_call();

/// The status with which a process ends whose power was cut.
constexpr int power_cut = 77;

}  // namespace test
