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
/// budget. A policy whose fields must fit the stage also has  mixture_flaw flaw(progress end) const.  One that looks back has  weights(progress, loss_record const&)  and  window()  instead; plans and rules ask it with an empty
/// record. The shortest one is fixed_mixture in midtrain/mixture/mixtures.hpp.
template <class Policy>
concept MixturePolicy = MixtureLooksBack<Policy> || requires(Policy const policy, progress at) {
    { policy.weights(at).size() } -> std::convertible_to<std::size_t>;
    { policy.weights(at)[0] } -> std::convertible_to<double>;
};

/// What may be wrong with a mixture beside its weights; the recipe's rules have a sentence for each.
enum class mixture_flaw {
    none, switch_outside, points_out_of_order, point_off, share_outside, from_zero, caps_too_low, floors_too_high, not_above_zero, no_window
};

/// What `flaw` must look like where a policy has one: almost right is an error and not a silence.
template <class Policy>
concept FlawIfItHasFlaw = !requires { &Policy::flaw; } || requires(Policy const policy, progress end) {
    { policy.flaw(end) } -> std::same_as<mixture_flaw>;
};

/// What is wrong with a mixture in a stage that ends so, as it says itself.
template <class Policy>
constexpr mixture_flaw flaw_of(Policy const& policy, progress end) {
    if constexpr (requires { policy.flaw(end); }) return policy.flaw(end);
    else return mixture_flaw::none;
}

/// Steps for which a mixture holds its weights because it looks back; 0: it does not.
template <class Policy>
constexpr std::int64_t window_of(Policy const& policy) {
    if constexpr (MixtureLooksBack<Policy>) return policy.window();
    else return 0;
}

/// The weights of a policy of either form, after the steps that `so_far` holds.
template <MixturePolicy Policy>
constexpr auto weights_of(Policy const& policy, progress at, loss_record const& so_far = {}) {
    if constexpr (MixtureLooksBack<Policy>) return policy.weights(at, so_far);
    else return policy.weights(at);
}

}  // namespace midtrain::inline MT_ABI
