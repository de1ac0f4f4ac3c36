#pragma once
#include <midtrain/optim/step_scalars.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// w -= rate * g, or with momentum v = momentum * v + g, w -= rate * v (as torch.optim.SGD without dampening).
struct sgd {
    double momentum = 0;

    static constexpr int slots = 1;

    constexpr double decay_of(role) const { return 0; }
    constexpr void   prepare(step_scalars&) const {}

    template <class C>
    MT_HOST_DEVICE C update(C w, C g, C (&slot)[slots], step_scalars const& s, C) const {
        slot[0] = C(momentum) * slot[0] + g;
        return w - C(s.rate) * slot[0];
    }
};

}  // namespace midtrain::inline MT_ABI
