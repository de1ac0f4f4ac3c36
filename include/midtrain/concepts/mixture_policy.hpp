#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// A mixture that looks back: a pure function of progress and of the losses recorded so far. It holds its weights for window() steps of
/// the stage and looks no further than to the window's beginning, so that the sampler's bound stands; 0: it does not look back after all.
template <class Policy>
concept MixtureLooksBack = requires(Policy const policy, progress at, loss_record const& so_far) {
    { policy.weights(at, so_far).size() } -> std::convertible_to<std::size_t>;
    { policy.weights(at, so_far)[0] } -> std::convertible_to<double>;
    { policy.window() } -> std::convertible_to<std::int64_t>;
};

/// The share of each source in the next batch as a pure function of progress. Law: none negative, and their sum is one, over the whole
/// budget. One that looks back has  weights(progress, loss_record const&)  and  window()  instead; plans and rules ask it with an empty
/// record. The shortest one is fixed_mixture in midtrain/mixture/mixtures.hpp.
template <class Policy>
concept MixturePolicy = MixtureLooksBack<Policy> || requires(Policy const policy, progress at) {
    { policy.weights(at).size() } -> std::convertible_to<std::size_t>;
    { policy.weights(at)[0] } -> std::convertible_to<double>;
};

/// The weights of a policy of either form, after the steps that `so_far` holds.
template <MixturePolicy Policy>
constexpr auto weights_of(Policy const& policy, progress at, loss_record const& so_far = {}) {
    if constexpr (MixtureLooksBack<Policy>) return policy.weights(at, so_far);
    else return policy.weights(at);
}

}  // namespace midtrain::inline MT_ABI
