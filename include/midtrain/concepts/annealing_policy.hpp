#pragma once
#include <concepts>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// The learning rate as a pure function of progress: no step(), no memory, so it can be plotted, tested in one line and shared
/// between ranks. Law: finite and not negative over the whole budget, and it ends where it says it ends.
/// A policy whose parts must fit into the stage also has  bool fits(tokens budget) const,  which the recipe's rules then ask.
/// The shortest one is midtrain/annealing/constant.hpp.
template <class Policy>
concept AnnealingPolicy = requires(Policy const policy, progress at) {
    { policy.rate(at) } -> std::convertible_to<double>;
};

/// What `fits` must look like where a policy has one: almost right is an error and not a silence.
template <class Policy>
concept FitsIfItHasFits = !requires { &Policy::fits; } || requires(Policy const policy, tokens budget) {
    { policy.fits(budget) } -> std::same_as<bool>;
};

}  // namespace midtrain::inline MT_ABI
