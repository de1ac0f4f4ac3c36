#pragma once
#include <concepts>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// How positions become angles, as the triple f'(x, m, theta) = alpha(s) f(x, g(m), h(theta)): pair i of a head turns by
/// position(t) * inverse_frequency(i, rotary width, sequence length), which are g and h, and cosine and sine are multiplied by
/// temperature(length), which is alpha. context() is the length up to which the policy means to work, in tokens.
/// Law: falls with the pair; plain rotary where nothing is stretched. The shortest one is midtrain/position/rope.hpp.
///
/// A policy may say more. What it does not say has the value in brackets:
///   index_t rotary_width(index_t head_size) const     how many values of a head turn, the first ones (all)
///   double score_factor(index_t length) const         what the scores of attention are multiplied by (1)
///   index_t plain_start() const                       how many positions at the start turn by  plain_frequency(i, width)  instead (0)
///   double growth(index_t pair, index_t width, index_t t, index_t length) const
///                                                     what queries at position t are multiplied by and keys divided (1)
///   position_fault fault(index_t head_size) const     what is wrong with its numbers, for the recipe's rules (none)
template <class Policy>
concept PositionScalingPolicy = requires(Policy const policy, index_t n) {
    { policy.context() } -> std::convertible_to<index_t>;
    { policy.inverse_frequency(n, n, n) } -> std::convertible_to<double>;
    { policy.position(n) } -> std::convertible_to<double>;
    { policy.temperature(n) } -> std::convertible_to<double>;
};

/// What can be wrong with the numbers of a position policy. The sentences stand in train/rules.hpp.
enum class position_fault { none, base, shrinks, factor, ramp, part, lists, decay };

// What the optional members must look like where a policy has them: almost right is an error and not a silence.
template <class Policy>
concept RotaryWidthIfItHasOne = !requires { &Policy::rotary_width; } || requires(Policy const policy, index_t n) {
    { policy.rotary_width(n) } -> std::same_as<index_t>;
};
template <class Policy>
concept ScoreFactorIfItHasOne = !requires { &Policy::score_factor; } || requires(Policy const policy, index_t n) {
    { policy.score_factor(n) } -> std::same_as<double>;
};
template <class Policy>
concept PlainStartIfItHasOne = !requires { &Policy::plain_start; } || requires(Policy const policy, index_t n) {
    { policy.plain_start() } -> std::same_as<index_t>;
    { policy.plain_frequency(n, n) } -> std::same_as<double>;
};
template <class Policy>
concept GrowthIfItHasOne = !requires { &Policy::growth; } || requires(Policy const policy, index_t n) {
    { policy.growth(n, n, n, n) } -> std::same_as<double>;
};
template <class Policy>
concept FaultIfItHasOne = !requires { &Policy::fault; } || requires(Policy const policy, index_t n) {
    { policy.fault(n) } -> std::same_as<position_fault>;
};

/// How many values of a head turn.
template <class Policy>
constexpr index_t rotary_width_of(Policy const& policy, index_t head_size) {
    static_assert(RotaryWidthIfItHasOne<Policy>,
                  "midtrain: the position policy has a member rotary_width, but not  index_t rotary_width(index_t head_size) const");
    if constexpr (requires { policy.rotary_width(head_size); }) return policy.rotary_width(head_size);
    else return head_size;
}
/// What the scores of attention are multiplied by, beside 1 / sqrt(head size).
template <class Policy>
constexpr double score_factor_of(Policy const& policy, index_t length) {
    static_assert(ScoreFactorIfItHasOne<Policy>,
                  "midtrain: the position policy has a member score_factor, but not  double score_factor(index_t length) const");
    if constexpr (requires { policy.score_factor(length); }) return policy.score_factor(length);
    else return 1.0;
}
/// How many positions at the start turn as if nothing were stretched.
template <class Policy>
constexpr index_t plain_start_of(Policy const& policy) {
    static_assert(PlainStartIfItHasOne<Policy>,
                  "midtrain: the position policy has a member plain_start, but not  index_t plain_start() const  and  double "
                  "plain_frequency(index_t pair, index_t width) const");
    if constexpr (requires { policy.plain_start(); }) return policy.plain_start();
    else return 0;
}
/// Whether keys turn by another table than queries. A policy that only knows once it is chosen says so:  bool grows() const.
template <class Policy>
constexpr bool grows(Policy const& policy) {
    static_assert(GrowthIfItHasOne<Policy>, "midtrain: the position policy has a member growth, but not  double growth(index_t pair, "
                                            "index_t width, index_t t, index_t length) const");
    if constexpr (requires { policy.grows(); }) return policy.grows();
    else return requires { policy.growth(0, 2, 0, 1); };
}
template <class Policy>
constexpr position_fault position_fault_of(Policy const& policy, index_t head_size) {
    static_assert(FaultIfItHasOne<Policy>,
                  "midtrain: the position policy has a member fault, but not  position_fault fault(index_t head_size) const");
    if constexpr (requires { policy.fault(head_size); }) return policy.fault(head_size);
    else return position_fault::none;
}

}  // namespace midtrain::inline MT_ABI
