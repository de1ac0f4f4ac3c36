#pragma once
#include <cstddef>

// Weights side by side, as a std::array or as source_weights. All of these keep the sum of what they are given, so that the rules still
// see a mixture that does not sum to one.
namespace midtrain::inline MT_ABI::mixture {

/// a (1 - t) + b t.
template <class Weights>
constexpr Weights blended(Weights a, Weights const& b, double t) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = a[i] * (1.0 - t) + b[i] * t;
    return a;
}

template <class Weights>
constexpr double sum_of(Weights const& w) {
    double all = 0;
    for (double x : w) all += x;
    return all;
}

/// The same proportions with another sum; all zero stay so.
template <class Weights>
constexpr Weights scaled_to(Weights w, double sum) {
    double const all = sum_of(w);
    if (all > 0)
        for (double& x : w) x *= sum / all;
    return w;
}

namespace detail {

/// Those that `breaks` names are set to their bounds, the others scaled in proportion to what is left; again, until none breaks.
template <class Weights, class Breaks>
constexpr Weights bounded(Weights w, Weights const& bounds, Breaks const& breaks) {
    double const sum     = sum_of(w);
    Weights      settled = w;  // not 0: at its bound
    for (double& s : settled) s = 0;
    for (std::size_t round = 0; round <= w.size(); ++round) {
        double free = 0, left = sum;
        for (std::size_t i = 0; i < w.size(); ++i) (settled[i] != 0 ? left : free) += settled[i] != 0 ? -bounds[i] : w[i];
        bool more = false;
        for (std::size_t i = 0; i < w.size(); ++i) {
            if (settled[i] != 0) continue;
            if (free > 0) w[i] *= (left > 0 ? left : 0) / free;
            if (breaks(w[i], bounds[i])) settled[i] = 1, more = true;
        }
        if (!more) break;
    }
    for (std::size_t i = 0; i < w.size(); ++i)
        if (settled[i] != 0) w[i] = bounds[i];
    return w;
}

}  // namespace detail

/// None above its limit; what is cut off goes to the others in proportion to their weights, as long as they have room.
template <class Weights>
constexpr Weights below(Weights const& w, Weights const& limits) {
    return detail::bounded(w, limits, [](double x, double limit) { return x > limit; });
}

/// None below its floor; what is missing is taken from the others in proportion to their weights.
template <class Weights>
constexpr Weights above(Weights const& w, Weights const& floors) {
    return detail::bounded(w, floors, [](double x, double floor) { return x < floor; });
}

}  // namespace midtrain::inline MT_ABI::mixture
