#pragma once
#include <concepts>
#include <midtrain/optim/step_scalars.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// The update of one weight: `update(w, g, slot, scalars, decay)` returns the new w and changes its `slots` numbers of memory;
/// `prepare` adds to the scalars what depends on the step alone; `decay_of(role)` says which parameters decay. Law: no gradient and no
/// decay, no change; and it resumes bit for bit. The shortest one is midtrain/optim/sgd.hpp.
template <class O>
concept Optimizer = O::slots >= 1 && requires(O const& o, step_scalars& scalars, float w, float (&slot)[O::slots], role r) {
    { o.decay_of(r) } -> std::convertible_to<double>;
    o.prepare(scalars);
    { o.update(w, w, slot, scalars, w) } -> std::same_as<float>;
};

}  // namespace midtrain::inline MT_ABI
