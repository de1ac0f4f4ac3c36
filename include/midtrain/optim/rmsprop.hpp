#pragma once
#include <cmath>
#include <midtrain/core/scalar.hpp>
#include <midtrain/optim/proposed_step.hpp>

namespace midtrain::inline MT_ABI {

/// What momentum does with updates: their running mean, m = b m + (1 - b) u, or their sum, m = b m + u.
enum class momentum_form { mean, sum };

/// The gradient over the root of its running mean square, then momentum over such updates. By default that of Apple's foundation models
/// (arXiv 2407.21075, section 3.2; axlearn's adastar_optimizer): the mean square with Adam's correction, each tensor's update held to a
/// root mean square of `clip` before momentum, the mean of updates without correction. torch.optim.RMSprop is
/// {.beta = 0.99, .epsilon = 1e-8, .epsilon_in_square = 0, .corrected = false, .clip = 0, .form = momentum_form::sum}.
struct rmsprop {
    double        beta              = 0.95;   ///< of the mean square
    double        momentum          = 0.9;
    double        epsilon           = 0;      ///< added to the root
    double        epsilon_in_square = 1e-30;  ///< added to the gradient's square
    double        decay             = 0;      ///< decoupled, times the rate
    bool          corrected         = true;
    double        clip              = 1;      ///< 0: never
    momentum_form form              = momentum_form::mean;

    static constexpr int memory = 2;

    constexpr double decay_of(role r) const { return decays(r) ? decay : 0.0; }
    constexpr bool   fits() const {
        return beta >= 0 && beta < 1 && momentum >= 0 && momentum < 1 && epsilon >= 0 && epsilon_in_square >= 0 &&
               epsilon + epsilon_in_square > 0 && decay >= 0 && clip >= 0;
    }
    constexpr index_t slots_of(tensor_place const& t) const { return memory * t.size(); }
    void prepare(step_scalars& s) const { s.correction2 = corrected ? 1.0 - std::pow(beta, static_cast<double>(s.step)) : 1.0; }

    template <class Device, class Precision>
    void step(tensor_update<Device, Precision> const& u) const {
        proposed_step(*this, u);
    }

    constexpr bool looks() const { return clip > 0; }
    template <class C>
    MT_HOST_DEVICE C proposed(C, C g, C (&slot)[memory], step_scalars const& s) const {
        slot[0] = C(beta) * slot[0] + C(1.0 - beta) * (g * g + C(epsilon_in_square));
        return g / (root(slot[0] / C(s.correction2)) + C(epsilon));
    }
    template <class C>
    MT_HOST_DEVICE C factor(C values, C, C squares, step_scalars const&) const {
        C const size = root(squares / values) / C(clip);
        return size > C(1) ? C(1) / size : C(1);
    }
    template <class C>
    MT_HOST_DEVICE C settled(C w, C u, C factor, C (&slot)[memory], step_scalars const& s, C weight_decay) const {
        slot[1] = C(momentum) * slot[1] + C(form == momentum_form::mean ? 1.0 - momentum : 1.0) * u * factor;
        return w * (C(1) - C(s.rate) * weight_decay) - C(s.rate) * slot[1];
    }
};

}  // namespace midtrain::inline MT_ABI
