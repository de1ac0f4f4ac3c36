#pragma once
#include <midtrain/annealing/decay.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

// Two decays that both are called exponential. A half-life of T tokens (MiniCPM, MAP-Neo) is the first with to = from / 2^(budget / T).
namespace midtrain::inline MT_ABI::annealing {

/// rate = from * (to / from)^r: the same ratio in every step. `to` is above zero.
struct exponential {
    required<double> from, to;

    constexpr double rate(progress at) const {
        double const r = at.share();
        if (!(from > 0) || !(to > 0)) return 0;
        return from * math::exp(math::log(to / from) * (r < 0 ? 0.0 : r > 1 ? 1.0 : r));
    }
    constexpr bool fits(tokens) const { return from > 0 && to > 0; }
};

/// 2 * 2^-r - 1: Megatron-LM's exponential decay (optimizer_param_scheduler.py), which reaches its floor.
struct halving_shape {
    constexpr double left(double r) const { return 2.0 * math::pow(0.5, r) - 1.0; }
};
using halving = decay<halving_shape>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::halving;  // exponential is a function there: core/fast_exp.hpp
}
