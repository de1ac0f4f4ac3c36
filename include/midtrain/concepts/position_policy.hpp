#pragma once
#include <concepts>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// How positions become angles: pair i of a head turns by position(t) * inverse_frequency(i, rotary width, sequence length), and
/// cosine and sine are multiplied by temperature(length). context() is the length up to which the policy means to work, in tokens.
/// Law: falls with the pair; plain rotary where nothing is stretched. The shortest one is midtrain/position/rope.hpp.
template <class Policy>
concept PositionScalingPolicy = requires(Policy const policy, index_t n) {
    { policy.context() } -> std::convertible_to<index_t>;
    { policy.inverse_frequency(n, n, n) } -> std::convertible_to<double>;
    { policy.position(n) } -> std::convertible_to<double>;
    { policy.temperature(n) } -> std::convertible_to<double>;
};

}  // namespace midtrain::inline MT_ABI
