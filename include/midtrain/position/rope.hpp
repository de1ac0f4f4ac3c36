#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::position {

/// base^(-2 i / width): the angle by which pair i turns at each position (Su et al. 2021).
constexpr double plain_frequency(double base, index_t pair, index_t width) {
    return math::exp(-2.0 * static_cast<double>(pair) / static_cast<double>(width) * math::log(base));
}

/// Plain rotary embedding. A larger base on a longer context is "adjusted base frequency" (ABF).
struct rope {
    required<double>  base;
    required<index_t> length;  ///< the context it is meant for

    constexpr index_t context() const { return length; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t) const { return plain_frequency(base, pair, width); }
    constexpr double  position(index_t t) const { return static_cast<double>(t); }
    constexpr double  temperature(index_t) const { return 1.0; }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::rope;
}
