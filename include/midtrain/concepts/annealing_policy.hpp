#pragma once
#include <concepts>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// The learning rate as a pure function of progress: no step(), no memory, so it can be plotted, tested in one line and shared
/// between ranks. Law: finite and not negative over the whole budget, and it ends where it says it ends.
/// The shortest one is midtrain/annealing/constant.hpp.
template <class Policy>
concept AnnealingPolicy = requires(Policy const policy, progress at) {
    { policy.rate(at) } -> std::convertible_to<double>;
};

}  // namespace midtrain::inline MT_ABI
