#pragma once
#include <concepts>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// A rate that looks back: a pure function of progress and of the losses recorded before the step. Same record, same rate.
template <class Policy>
concept RateLooksBack = requires(Policy const policy, progress at, loss_record const& so_far) {
    { policy.rate(at, so_far) } -> std::convertible_to<double>;
};

/// The learning rate as a pure function of progress: no step(), no memory, so it can be plotted, tested in one line and shared
/// between ranks. Law: finite and not negative over the whole budget, and it ends where it says it ends.
/// A policy whose parts must fit into the stage also has  bool fits(tokens budget) const,  which the recipe's rules then ask; one whose
/// parts may count steps,  bool fits(tokens budget, tokens batch = {}) const,  where a batch of zero is one that does not stand.
/// One that looks back has  rate(progress, loss_record const&)  instead; plans and rules ask it with an empty record.
/// The shortest one is midtrain/annealing/constant.hpp.
template <class Policy>
concept AnnealingPolicy = RateLooksBack<Policy> || requires(Policy const policy, progress at) {
    { policy.rate(at) } -> std::convertible_to<double>;
};

/// The rate of a policy of either form, after the steps that `so_far` holds.
template <AnnealingPolicy Policy>
constexpr double rate_of(Policy const& policy, progress at, loss_record const& so_far = {}) {
    if constexpr (RateLooksBack<Policy>) return policy.rate(at, so_far);
    else return policy.rate(at);
}

/// What `fits` must look like where a policy has one: almost right is an error and not a silence.
template <class Policy>
concept FitsIfItHasFits = !requires { &Policy::fits; } || requires(Policy const policy, tokens budget) {
    { policy.fits(budget) } -> std::same_as<bool>;
};

}  // namespace midtrain::inline MT_ABI
