#pragma once
#include <cstddef>
#include <cstdint>
#include <midtrain/core/math.hpp>
#include <midtrain/mixture/arithmetic.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// How weights go from one set to another as t goes from 0 to 1. `linear`: in a straight line. `cosine`: half a cosine, level at both ends.
/// `exponential`: weights in the ratio a^(1 - t) b^t, so that two sources' ratio changes by the same factor in every token. `step`: not
/// before the end.
enum class transition : std::uint8_t { linear, cosine, exponential, step };

/// The weights at t; outside of 0 to 1 they stay at the ends.
template <class Weights>
constexpr Weights between(Weights a, Weights const& b, double t, transition shape) {
    if (!(t > 0)) return a;
    if (t >= 1) return b;
    switch (shape) {
        case transition::linear: return blended(a, b, t);
        case transition::cosine: return blended(a, b, 0.5 - 0.5 * math::cos(math::pi * t));
        case transition::exponential: {
            double const sum = sum_of(a) * (1.0 - t) + sum_of(b) * t;
            for (std::size_t i = 0; i < a.size(); ++i) a[i] = a[i] > 0 && b[i] > 0 ? math::pow(a[i], 1 - t) * math::pow(b[i], t) : 0.0;
            return scaled_to(a, sum);
        }
        default: return a;
    }
}

/// Whether an exponential transition would leave zero or come to it, which no ratio does.
template <class Weights>
constexpr bool goes_from_zero(Weights const& a, Weights const& b, transition shape) {
    bool bad = false;
    for (std::size_t i = 0; i < a.size(); ++i) bad |= (a[i] > 0) != (b[i] > 0);
    return bad && shape == transition::exponential;
}

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::transition;
}
