#pragma once
#include <midtrain/optim/tensor_update.hpp>

// Optimizers whose update of a tensor is looked at as a whole before it is made: each value's update is proposed, two sums over the tensor
// give a factor, and with it the update is settled.
namespace midtrain::inline MT_ABI {

/// What an optimizer proposes goes over the gradient, and how many values are not zero and the sum of squares to the piece's sums. Where
/// nobody asks for the sums, it is settled at once.
template <class Optimizer, class Precision>
struct propose {
    Optimizer               optimizer;
    tensor_views<Precision> on;
    bool                    at_once;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C             = typename Precision::computed;
        auto const    o     = optimizer;
        auto const    v     = on;
        auto const    piece = v.pieces[r];
        auto const    t     = v.of(piece);
        auto const    s     = v.scalars_of(t);
        bool const    now   = at_once;
        C const       decay = v.decay_of(t), clip = C(s.clip_factor);
        auto const    g     = v.gradient.data + piece.offset;
        auto const    m     = v.slots.data + t.slots + (piece.offset - t.offset);
        index_t const n     = t.size();
        team.each(piece.count, [=](index_t i) {
            C slot[Optimizer::memory];
            for (int k = 0; k < Optimizer::memory; ++k) slot[k] = m[k * n + i];
            C const w = C(v.master.data[piece.offset + i]);
            C const u = o.proposed(w, g[i] * clip, slot, s);
            if (now) v.keep(piece.offset + i, o.settled(w, u, C(1), slot, s, decay));
            else g[i] = u;
            for (int k = 0; k < Optimizer::memory; ++k) m[k * n + i] = slot[k];
        });
        if (now) return;
        C const others  = team.reduce(piece.count, sum{}, [=](index_t i) { return g[i] != C(0) ? C(1) : C(0); });
        C const squares = team.reduce(piece.count, sum{}, [=](index_t i) { return g[i] * g[i]; });
        if (team.leads()) v.partial[r] = others, v.partial[v.pieces.size() + r] = squares;
    }
};

/// Weights from what was proposed and what its tensor says of it.
template <class Optimizer, class Precision>
struct settle {
    Optimizer               optimizer;
    tensor_views<Precision> on;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C             = typename Precision::computed;
        auto const    o     = optimizer;
        auto const    v     = on;
        auto const    piece = v.pieces[r];
        auto const    t     = v.of(piece);
        auto const    s     = v.scalars_of(t);
        C const       decay = v.decay_of(t);
        C const       by    = o.factor(C(t.size()), v.sums[piece.tensor], v.sums[v.tensors.size() + piece.tensor], s);
        auto const    u     = v.gradient.data + piece.offset;
        auto const    m     = v.slots.data + t.slots + (piece.offset - t.offset);
        index_t const n     = t.size();
        team.each(piece.count, [=](index_t i) {
            C slot[Optimizer::memory];
            for (int k = 0; k < Optimizer::memory; ++k) slot[k] = m[k * n + i];
            v.keep(piece.offset + i, o.settled(C(v.master.data[piece.offset + i]), u[i], by, slot, s, decay));
            for (int k = 0; k < Optimizer::memory; ++k) m[k * n + i] = slot[k];
        });
    }
};

/// A step of an optimizer with `memory` numbers a value, `looks()`: whether it wants the sums, `proposed(w, g, slot, scalars)`,
/// `factor(values, not_zero, squares, scalars)` and `settled(w, u, factor, slot, scalars, decay)`.
template <class Optimizer, class Device, class Precision>
void proposed_step(Optimizer const& o, tensor_update<Device, Precision> const& u) {
    u.device.rows(u.on.pieces.size(), propose<Optimizer, Precision>{o, u.on, !o.looks()});
    if (!o.looks()) return;
    u.sum_pieces(2);
    u.device.rows(u.on.pieces.size(), settle<Optimizer, Precision>{o, u.on});
}

}  // namespace midtrain::inline MT_ABI
