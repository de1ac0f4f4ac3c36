#pragma once
#include <cmath>
#include <midtrain/concepts/position_policy.hpp>

namespace midtrain::inline MT_ABI {

/// Cosine and sine, times the temperature, for positions 0 .. length-1: each (length, head_size / 2), angles in double.
template <class Policy>
void fill_rotary(Policy const& policy, index_t length, index_t head_size, double* cosine, double* sine) {
    static_assert(PositionScalingPolicy<Policy>,
                  "midtrain: the position policy is not a PositionScalingPolicy: it needs  context() const, "
                  "inverse_frequency(pair, rotary_width, length) const, position(index) const and temperature(length) const. "
                  "The shortest one is midtrain/position/rope.hpp");
    index_t const half = head_size / 2;
    double const  heat = policy.temperature(length);
    for (index_t i = 0; i < half; ++i) {
        double const frequency = policy.inverse_frequency(i, head_size, length);
        for (index_t t = 0; t < length; ++t) {
            double const angle   = policy.position(t) * frequency;
            cosine[t * half + i] = std::cos(angle) * heat;
            sine[t * half + i]   = std::sin(angle) * heat;
        }
    }
}

}  // namespace midtrain::inline MT_ABI
