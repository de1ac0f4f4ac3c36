#pragma once
#include <midtrain/optim/by_role.hpp>
#include <midtrain/optim/optimizer.hpp>
#include <midtrain/optim/tensor_update.hpp>

namespace midtrain::inline MT_ABI {

/// One of several optimizers, chosen at run time.
template <class O>
concept OptimizerChoice = requires(O const& o) { o.kind(); };
/// Whatever can update a model.
template <class O>
concept AnyOptimizer = Optimizer<O> || TensorOptimizer<O> || OptimizerChoice<O>;

/// What an optimizer needs of memory beside weights and gradients.
struct optimizer_memory {
    index_t slots = 0;  ///< values, which a checkpoint keeps
    index_t work  = 0;  ///< bytes that hold nothing between steps
};

/// The same of the tensors that an optimizer sees.
template <class Precision, TensorOptimizer O>
optimizer_memory memory_of(tensor_places const& places, O const& optimizer) {
    index_t work = 0;
    if constexpr (requires { optimizer.template work_bytes<Precision>(places); }) work = optimizer.template work_bytes<Precision>(places);
    return {places.slots, work};
}
template <class Precision, AnyOptimizer O>
optimizer_memory memory_of(parameter_layout const& layout, O const& optimizer) {
    if constexpr (OptimizerChoice<O>) return optimizer.visit([&](auto const& one) { return memory_of<Precision>(layout, one); });
    else if constexpr (TensorOptimizer<O>) return memory_of<Precision>(places_of(layout, optimizer, same_rate{}), optimizer);
    else return {O::slots * layout.size(), 0};
}

}  // namespace midtrain::inline MT_ABI
