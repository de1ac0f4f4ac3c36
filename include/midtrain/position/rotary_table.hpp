#pragma once
#include <cmath>
#include <midtrain/concepts/position_policy.hpp>

namespace midtrain::inline MT_ABI {

/// Whose table: it differs where a policy lets queries grow and keys shrink.
enum class turned { queries, keys };

/// Cosine and sine, times the temperature, for positions 0 .. length-1: each (length, rotary width / 2), where the width is that of a head,
/// or what a policy says of it. Angles in double.
template <class Policy>
void fill_rotary(Policy const& policy, index_t length, index_t head_size, double* cosine, double* sine, turned what = turned::queries) {
    static_assert(PositionScalingPolicy<Policy>,
                  "midtrain: the position policy is not a PositionScalingPolicy: it needs  context() const, "
                  "inverse_frequency(pair, rotary_width, length) const, position(index) const and temperature(length) const. "
                  "The shortest one is midtrain/position/rope.hpp");
    index_t const width = rotary_width_of(policy, head_size), half = width / 2, start = plain_start_of(policy);
    double const  heat = policy.temperature(length);
    for (index_t i = 0; i < half; ++i) {
        double const frequency = policy.inverse_frequency(i, width, length);
        double       plain     = frequency;
        if constexpr (requires { policy.plain_frequency(i, width); }) plain = policy.plain_frequency(i, width);
        for (index_t t = 0; t < length; ++t) {
            double const angle   = policy.position(t) * (t < start ? plain : frequency);
            double       by    = heat;
            if constexpr (requires { policy.growth(i, width, t, length); }) {
                double const growth = policy.growth(i, width, t, length);
                by                  = what == turned::queries ? heat * growth : heat / growth;
            }
            cosine[t * half + i] = std::cos(angle) * by;
            sine[t * half + i]   = std::sin(angle) * by;
        }
    }
}

}  // namespace midtrain::inline MT_ABI
