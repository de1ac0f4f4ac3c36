#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/maps.hpp>

namespace midtrain::inline MT_ABI::position {

/// Plain rotary embedding: g = m, h = theta, alpha = 1. A larger base on a longer context is "adjusted base frequency" (ABF). Type
/// "default" in transformers.
struct rope {
    required<double>  base;
    required<index_t> length;  ///< the context it is meant for

    constexpr index_t        context() const { return length; }
    constexpr double         inverse_frequency(index_t pair, index_t width, index_t) const { return plain_frequency(base, pair, width); }
    constexpr double         position(index_t t) const { return static_cast<double>(t); }
    constexpr double         temperature(index_t) const { return 1.0; }
    constexpr position_fault fault(index_t) const { return rope_fault(base, length); }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::rope;
}
