#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// What is counted of a router's work, summed over the micro-batches of a step.
template <class T>
struct router_load_of {
    row_view<T> values;  // (size_of(experts))

    /// The balance losses, unweighted, in the order of balance_weights.
    static constexpr index_t losses = 5;
    static constexpr index_t size_of(index_t experts) { return experts + 2 + losses; }

    MT_HOST_DEVICE constexpr index_t experts() const { return values.size() - 2 - losses; }
    /// Choices of an expert, before any was dropped.
    MT_HOST_DEVICE constexpr T& choices(index_t expert) const { return values[expert]; }
    MT_HOST_DEVICE constexpr T& tokens() const { return values[experts()]; }
    /// Choices that found no room.
    MT_HOST_DEVICE constexpr T& overflow() const { return values[experts() + 1]; }
    MT_HOST_DEVICE constexpr T& loss(index_t n) const { return values[experts() + 2 + n]; }

    /// Choices of all experts, and the load of the busiest and of the idlest, in means.
    constexpr double all() const {
        double sum = 0;
        for (index_t e = 0; e < experts(); ++e) sum += choices(e);
        return sum;
    }
    constexpr double heaviest() const {
        double most = 0;
        for (index_t e = 0; e < experts(); ++e) most = choices(e) > most ? choices(e) : most;
        return in_means(most);
    }
    constexpr double lightest() const {
        double least = choices(0);
        for (index_t e = 1; e < experts(); ++e) least = choices(e) < least ? choices(e) : least;
        return in_means(least);
    }
    constexpr double overflow_share() const { return all() > 0 ? overflow() / all() : 0.0; }

  private:
    constexpr double in_means(double load) const { return all() > 0 ? load * static_cast<double>(experts()) / all() : 0.0; }
};

using router_load = router_load_of<double>;
using seen_load   = router_load_of<double const>;

}  // namespace midtrain::inline MT_ABI
