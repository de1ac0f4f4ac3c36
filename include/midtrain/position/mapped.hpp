#pragma once
#include <midtrain/core/types.hpp>
#include <midtrain/position/maps.hpp>

// A triple of one's own, part by part: with_frequency{policy, h}, with_position{policy, g} and with_temperature{policy, alpha} change one
// part of a policy and leave the others. Functions of numbers, so a lambda without captures does.
namespace midtrain::inline MT_ABI::position {

/// h(theta) over the policy's own frequencies.
template <class Policy, class H>
struct with_frequency {
    Policy policy;
    H      h;

    constexpr index_t context() const { return policy.context(); }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t length) const {
        return h(policy.inverse_frequency(pair, width, length));
    }
    constexpr double position(index_t t) const { return policy.position(t); }
    constexpr double temperature(index_t length) const { return policy.temperature(length); }
};

/// g(m) over the policy's own positions.
template <class Policy, class G>
struct with_position {
    Policy policy;
    G      g;

    constexpr index_t context() const { return policy.context(); }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t length) const {
        return policy.inverse_frequency(pair, width, length);
    }
    constexpr double position(index_t t) const { return g(policy.position(t)); }
    constexpr double temperature(index_t length) const { return policy.temperature(length); }
};

/// alpha(length) instead of the policy's own temperature.
template <class Policy, class Alpha>
struct with_temperature {
    Policy policy;
    Alpha  alpha;

    constexpr index_t context() const { return policy.context(); }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t length) const {
        return policy.inverse_frequency(pair, width, length);
    }
    constexpr double position(index_t t) const { return policy.position(t); }
    constexpr double temperature(index_t length) const { return alpha(length); }
};

template <class Policy, class H>
with_frequency(Policy, H) -> with_frequency<Policy, H>;
template <class Policy, class G>
with_position(Policy, G) -> with_position<Policy, G>;
template <class Policy, class Alpha>
with_temperature(Policy, Alpha) -> with_temperature<Policy, Alpha>;

}  // namespace midtrain::inline MT_ABI::position
