#pragma once
#include <midtrain/annealing/decay.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

// Three decays that all are called exponential.
namespace midtrain::inline MT_ABI::annealing {

/// rate = from * (to / from)^r: the same ratio in every step. `to` is above zero.
using exponential = decay<exponential_shape>;

/// rate = to + (from - to) * (2 * 2^-r - 1): Megatron-LM's, which reaches its floor.
using halving = decay<halving_shape>;

/// rate = floor + (from - floor) * 2^(-seen / every): half of it after each `every` tokens, wherever the budget ends (MiniCPM 2024, with
/// a half-life of 5,000 steps; MAP-Neo 2024).
struct half_life {
    required<double> from;
    required<tokens> every;
    double           floor = 0;

    constexpr double rate(progress at) const { return floor + (from - floor) * math::pow(0.5, ratio(at.seen, every)); }
    constexpr bool   fits(tokens) const { return every > tokens{}; }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::half_life;
using annealing::halving;  // exponential is a function there: core/fast_exp.hpp
}  // namespace midtrain::inline MT_ABI
