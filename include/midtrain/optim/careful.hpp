#pragma once
#include <midtrain/core/scalar.hpp>
#include <midtrain/optim/optimizer.hpp>
#include <midtrain/optim/proposed_step.hpp>

namespace midtrain::inline MT_ABI {

/// An elementwise optimizer whose update is looked at before it is made. `mask`: values whose update goes against this step's gradient
/// stay, and those of the tensor that move go further by values / (moving + 1) (cautious optimizers, Liang et al. 2024, algorithm 1).
/// `decay_along`: only weights that the update makes smaller decay (cautious weight decay, Chen et al. 2025, algorithm 1). `clip`: a
/// tensor's update over the rate is held to that root mean square (update clipping, Shazeer and Stern 2018, section 6); 0: never.
template <class Optimizer>
struct careful {
    static_assert(midtrain::Optimizer<Optimizer>, "midtrain: careful<> wants an elementwise Optimizer such as midtrain/optim/adamw.hpp");

    Optimizer of{};
    bool      mask        = false;
    bool      decay_along = false;
    double    clip        = 0;

    static constexpr int memory = Optimizer::slots;

    constexpr double decay_of(role r) const { return of.decay_of(r); }
    constexpr bool   fits() const {
        if constexpr (requires { of.fits(); })
            if (!of.fits()) return false;
        return clip >= 0;
    }
    constexpr index_t slots_of(tensor_place const& t) const { return memory * t.size(); }
    void              prepare(step_scalars& s) const { of.prepare(s); }

    template <class Device, class Precision>
    void step(tensor_update<Device, Precision> const& u) const {
        proposed_step(*this, u);
    }

    constexpr bool looks() const { return mask || clip > 0; }
    /// The change of the weight, without decay.
    template <class C>
    MT_HOST_DEVICE C proposed(C, C g, C (&slot)[memory], step_scalars const& s) const {
        C const change = of.update(C(0), g, slot, s, C(0));  // of no weight: nothing of the change is lost in it
        return mask && !(change * g < C(0)) ? C(0) : change;
    }
    template <class C>
    MT_HOST_DEVICE C factor(C values, C moving, C squares, step_scalars const& s) const {
        C const further = mask ? values / (moving + C(1)) : C(1);
        if (!(clip > 0) || !(s.rate > 0)) return further;
        C const size = further * root(squares / values) / C(s.rate * clip);
        return size > C(1) ? further / size : further;
    }
    template <class C>
    MT_HOST_DEVICE C settled(C w, C change, C factor, C (&)[memory], step_scalars const& s, C weight_decay) const {
        bool const decays = !decay_along || !(change * w > C(0));
        return (decays ? w * (C(1) - C(s.rate) * weight_decay) : w) + change * factor;
    }
};

}  // namespace midtrain::inline MT_ABI
