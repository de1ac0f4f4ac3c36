#pragma once
#include <cmath>
#include <midtrain/core/scalar.hpp>
#include <midtrain/optim/step_scalars.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019), in the order of torch.optim.AdamW: decay first, then the step
/// rate / correction1 * m / (sqrt(v / correction2) + epsilon). Norms, biases and time constants do not decay.
struct adamw {
    double beta1   = 0.9;
    double beta2   = 0.95;
    double epsilon = 1e-8;
    double decay   = 0.1;

    static constexpr int slots = 2;

    constexpr double decay_of(role r) const { return decays(r) ? decay : 0.0; }
    constexpr bool   fits() const { return beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && epsilon >= 0 && decay >= 0; }

    void prepare(step_scalars& s) const {
        s.correction1 = 1.0 - std::pow(beta1, static_cast<double>(s.step));
        s.correction2 = 1.0 - std::pow(beta2, static_cast<double>(s.step));
    }

    template <class C>
    MT_HOST_DEVICE C update(C w, C g, C (&slot)[slots], step_scalars const& s, C weight_decay) const {
        slot[0]       = C(beta1) * slot[0] + C(1.0 - beta1) * g;
        slot[1]       = C(beta2) * slot[1] + C(1.0 - beta2) * g * g;
        C const below = root(slot[1] * reciprocal(C(s.correction2))) + C(epsilon);
        return w * (C(1) - C(s.rate) * weight_decay) - quotient(C(s.rate) * reciprocal(C(s.correction1)) * slot[0], below);
    }
};

}  // namespace midtrain::inline MT_ABI
