#pragma once
#include <midtrain/optim/step_scalars.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// Lion (Chen et al. 2023, algorithm 2): w moves by the rate against the sign of beta1 * m + (1 - beta1) * g, then m = beta2 * m +
/// (1 - beta2) * g. Half of AdamW's memory; its rate is usually 3 to 10 times smaller, and its decay as much larger.
struct lion {
    double beta1 = 0.9;
    double beta2 = 0.99;
    double decay = 1.0;

    static constexpr int slots = 1;

    constexpr double decay_of(role r) const { return decays(r) ? decay : 0.0; }
    constexpr bool   fits() const { return beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && decay >= 0; }
    constexpr void   prepare(step_scalars&) const {}

    template <class C>
    MT_HOST_DEVICE C update(C w, C g, C (&slot)[slots], step_scalars const& s, C weight_decay) const {
        C const u    = C(beta1) * slot[0] + C(1.0 - beta1) * g;
        C const sign = u > C(0) ? C(1) : u < C(0) ? C(-1) : C(0);
        slot[0]      = C(beta2) * slot[0] + C(1.0 - beta2) * g;
        return w * (C(1) - C(s.rate) * weight_decay) - C(s.rate) * sign;
    }
};

}  // namespace midtrain::inline MT_ABI
