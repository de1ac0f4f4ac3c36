#pragma once
#include <concepts>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// An average of weights as a pure function of a run's progress: `share(at)` is the share that the weights after the step just done get
/// in the running average, average += share * (weights - average); 0 leaves it alone. `at` counts over the whole run, `at.batch` is the
/// step just done. Any weighted mean with weights c_i that are known as their step comes has share_j = c_j / (c_1 + ... + c_j). Law:
/// between 0 and 1. The shortest one is polyak_tail in midtrain/averaging/tail.hpp.
template <class Policy>
concept AveragingPolicy = requires(Policy const policy, progress at) {
    { policy.share(at) } -> std::convertible_to<double>;
};

}  // namespace midtrain::inline MT_ABI
