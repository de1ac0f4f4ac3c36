#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// What is counted of a router's work, in double, summed over the micro-batches of a step.
struct router_load {
    row_view<double> values;  // (size_of(experts))

    /// The balance losses, unweighted, in the order of balance_weights.
    static constexpr index_t losses = 5;
    static constexpr index_t size_of(index_t experts) { return experts + 2 + losses; }

    MT_HOST_DEVICE constexpr index_t experts() const { return values.size() - 2 - losses; }
    /// Choices of an expert, before any was dropped.
    MT_HOST_DEVICE constexpr double& choices(index_t expert) const { return values[expert]; }
    MT_HOST_DEVICE constexpr double& tokens() const { return values[experts()]; }
    /// Choices that found no room.
    MT_HOST_DEVICE constexpr double& overflow() const { return values[experts() + 1]; }
    MT_HOST_DEVICE constexpr double& loss(index_t n) const { return values[experts() + 2 + n]; }
};

}  // namespace midtrain::inline MT_ABI
