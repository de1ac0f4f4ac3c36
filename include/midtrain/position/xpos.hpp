#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/maps.hpp>

namespace midtrain::inline MT_ABI::position {

/// xPos (Sun et al. 2023): plain rotary, and a score that decays with the distance, each pair at a rate of its own. The query at position
/// t is multiplied by zeta^((t - length / 2) / scale_base) and the key divided by it, zeta_i = (2 i / width + gamma) / (1 + gamma); the
/// middle of the sequence is the origin as in torchscale, which keeps both in range and changes no score.
struct xpos {
    required<double>  base;
    required<index_t> length;            ///< the context it is meant for
    double            scale_base = 512;  ///< tokens over which a pair decays by its zeta
    double            gamma      = 0.4;

    constexpr index_t context() const { return length; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t) const { return plain_frequency(base, pair, width); }
    constexpr double  position(index_t t) const { return static_cast<double>(t); }
    constexpr double  temperature(index_t) const { return 1.0; }
    constexpr double  growth(index_t pair, index_t width, index_t t, index_t sequence) const {
        double const zeta = (2.0 * static_cast<double>(pair) / static_cast<double>(width) + gamma) / (1.0 + gamma);
        return math::exp(static_cast<double>(t - (sequence + 1) / 2) / scale_base * math::log(zeta));
    }

    /// The fastest decay over half the context stays within what a float holds, with as much left for the values themselves.
    constexpr position_fault fault(index_t) const {
        if (auto const f = rope_fault(base, length); f != position_fault::none) return f;
        if (!(scale_base > 0 && gamma > 0)) return position_fault::factor;
        double const most = static_cast<double>(length) / 2 / scale_base * math::log((1.0 + gamma) / gamma);
        return most <= 40 ? position_fault::none : position_fault::decay;
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::xpos;
}
