#pragma once
#include <midtrain/position/rope.hpp>

// Stretching a context from `trained` to `extended` tokens, factor s = extended / trained, in the conventions of transformers'
// modeling_rope_utils.
namespace midtrain::inline MT_ABI::position {

/// Position interpolation: every frequency divided by s (Chen et al. 2023). Type "linear" in transformers.
struct interpolated {
    required<double>  base;
    required<index_t> trained, extended;

    constexpr double  factor() const { return static_cast<double>(extended) / static_cast<double>(trained); }
    constexpr index_t context() const { return extended; }
    constexpr double inverse_frequency(index_t pair, index_t width, index_t) const { return plain_frequency(base, pair, width) / factor(); }
    constexpr double  position(index_t t) const { return static_cast<double>(t); }
    constexpr double  temperature(index_t) const { return 1.0; }
};

/// NTK-aware: the base times s^(D / (D - 2)), so that the slowest pair is divided by s and the fastest kept (yarn paper, eq. 14-16).
struct ntk {
    required<double>  base;
    required<index_t> trained, extended;

    constexpr double  factor() const { return static_cast<double>(extended) / static_cast<double>(trained); }
    constexpr index_t context() const { return extended; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t) const {
        double const d = static_cast<double>(width);
        return plain_frequency(base * math::pow(factor(), d / (d - 2.0)), pair, width);
    }
    constexpr double position(index_t t) const { return static_cast<double>(t); }
    constexpr double temperature(index_t) const { return 1.0; }
};

/// YaRN (Peng et al. 2023): slow pairs divided by s, fast ones kept, a ramp in the pair's index between those that turn `slow` and
/// `fast` times over the trained context; cosine and sine times 0.1 ln s + 1. The ramp in the index, its ends rounded outwards, is that
/// of the reference code and of transformers; the paper's own ramp runs in the number of turns.
struct yarn {
    required<double>  base;
    required<index_t> trained, extended;
    double            fast = 32, slow = 1;  ///< turns over the trained context

    constexpr double  factor() const { return static_cast<double>(extended) / static_cast<double>(trained); }
    constexpr index_t context() const { return extended; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t) const {
        double const low  = clamp(rounded_down(pair_that_turns(fast, width)), width),
                     high = clamp(rounded_up(pair_that_turns(slow, width)), width);
        double const span = high == low ? 0.001 : high - low;
        double const r    = (static_cast<double>(pair) - low) / span;
        double const ramp = r < 0 ? 0.0 : r > 1 ? 1.0 : r;
        double const f    = plain_frequency(base, pair, width);
        return f * (1.0 - ramp) + f / factor() * ramp;
    }
    constexpr double position(index_t t) const { return static_cast<double>(t); }
    constexpr double temperature(index_t) const { return factor() <= 1 ? 1.0 : 0.1 * math::log(factor()) + 1.0; }

    // Below: parts of inverse_frequency. Public, so that the policy stays an aggregate.
    // The (real) pair that turns n times over the trained context.
    constexpr double pair_that_turns(double n, index_t width) const {
        return static_cast<double>(width) * math::log(static_cast<double>(trained) / (n * 2.0 * math::pi)) / (2.0 * math::log(base));
    }
    static constexpr double rounded_down(double x) {
        auto const n = static_cast<double>(static_cast<index_t>(x));
        return n > x ? n - 1.0 : n;
    }
    static constexpr double rounded_up(double x) { return -rounded_down(-x); }
    static constexpr double clamp(double x, index_t width) {
        double const last = static_cast<double>(width - 1);
        return x < 0 ? 0.0 : x > last ? last : x;
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::interpolated;
using position::ntk;
using position::yarn;
}  // namespace midtrain::inline MT_ABI
