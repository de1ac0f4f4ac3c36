#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/maps.hpp>

namespace midtrain::inline MT_ABI::position {

/// Position interpolation: h = theta / s for every pair, which is the same as g = m / s (Chen et al. 2023). Type "linear" in transformers.
struct interpolated {
    required<double>  base;
    required<index_t> trained, extended;

    constexpr double  factor() const { return stretch(trained, extended); }
    constexpr index_t context() const { return extended; }
    constexpr double inverse_frequency(index_t pair, index_t width, index_t) const { return plain_frequency(base, pair, width) / factor(); }
    constexpr double         position(index_t t) const { return static_cast<double>(t); }
    constexpr double         temperature(index_t) const { return 1.0; }
    constexpr position_fault fault(index_t) const { return rope_fault(base, trained, extended); }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::interpolated;
}
