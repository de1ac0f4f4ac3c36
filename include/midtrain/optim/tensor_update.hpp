#pragma once
#include <concepts>
#include <cstddef>
#include <span>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/optim/keep_weight.hpp>
#include <midtrain/optim/step_scalars.hpp>
#include <midtrain/optim/tensor_places.hpp>

namespace midtrain::inline MT_ABI {

/// What functors of one step see: all weights, gradients and slots, cut into pieces of tensors. A step may write over the gradient.
template <class Precision>
struct tensor_views {
    using C = typename Precision::computed;

    step_scalars const*                  scalars;
    row_view<typename Precision::master> master;    // (n)
    row_view<typename Precision::stored> stored;    // (n)
    row_view<C>                          gradient;  // (n)
    row_view<C>                          slots;     // (places.slots)
    row_view<tensor_place const>         tensors;
    row_view<tensor_piece const>         pieces;
    row_view<C>                          partial;  // (2 * pieces): two sums over each piece
    row_view<C>                          sums;     // (2 * tensors): the same over each tensor

    MT_HOST_DEVICE tensor_place const& of(tensor_piece const& p) const { return tensors.data[p.tensor]; }
    /// The step's numbers for one tensor.
    MT_HOST_DEVICE step_scalars scalars_of(tensor_place const& t) const {
        auto s = *scalars;
        s.rate *= t.rate;
        return s;
    }
    MT_HOST_DEVICE C decay_of(tensor_place const& t) const { return C(t.decay * scalars->decay_factor); }
    MT_HOST_DEVICE void keep(index_t at, C next) const { keep_weight<Precision>(master.data, stored.data, at, next, *scalars); }
};

/// sums(k, t) = the sum of partial(k, .) over the pieces of tensor t, in an order that never changes. One tensor a team.
template <class Precision>
struct sums_of_pieces {
    tensor_views<Precision> on;
    int                     count;  ///< 1 or 2

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        using C         = typename Precision::computed;
        auto const from = on.partial.data + on.tensors[t].first_piece;
        for (int k = 0; k < count; ++k) {
            auto const in    = from + k * on.pieces.size();
            C const    total = team.reduce(on.tensors[t].pieces, sum{}, [=](index_t i) { return in[i]; });
            if (team.leads()) on.sums[k * on.tensors.size() + t] = total;
        }
    }
};

/// One step over everything: the views, where to launch, the tensors as the host knows them, and memory that holds nothing between steps.
template <class Device, class Precision>
struct tensor_update {
    Device&                       device;
    tensor_views<Precision>       on;
    std::span<tensor_place const> tensors;
    row_view<std::byte>           work;

    void sum_pieces(int count) const { device.rows(on.tensors.size(), sums_of_pieces<Precision>{on, count}); }
};

/// An optimizer that sees whole matrices: `slots_of(tensor)` numbers of memory each, `work_bytes<Precision>(places)` bytes that hold
/// nothing between steps, and `step(tensor_update)`, which does one. `prepare` and `decay_of` as of an Optimizer, and the same law. The
/// shortest one is midtrain/optim/rmsprop.hpp.
template <class O>
concept TensorOptimizer = requires(O const& o, step_scalars& scalars, tensor_place const& t, role r) {
    { o.slots_of(t) } -> std::convertible_to<index_t>;
    { o.decay_of(r) } -> std::convertible_to<double>;
    o.prepare(scalars);
} && !requires { O::slots; };

}  // namespace midtrain::inline MT_ABI
