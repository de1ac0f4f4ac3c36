#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/maps.hpp>

namespace midtrain::inline MT_ABI::position {

/// No positions at all (NoPE, Kazemnejad et al. 2023): h = 0, so nothing turns, and order is told by the causal mask alone.
struct none {
    required<index_t> length;  ///< the context it is meant for

    constexpr index_t        context() const { return length; }
    constexpr double         inverse_frequency(index_t, index_t, index_t) const { return 0.0; }
    constexpr double         position(index_t t) const { return static_cast<double>(t); }
    constexpr double         temperature(index_t) const { return 1.0; }
    constexpr position_fault fault(index_t) const { return length >= 1 ? position_fault::none : position_fault::base; }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using no_positions = position::none;
}
