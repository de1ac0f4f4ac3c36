#pragma once
#include <algorithm>
#include <cmath>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/newton_schulz.hpp>
#include <midtrain/optim/tensor_update.hpp>

namespace midtrain::inline MT_ABI {

/// What Muon's rate is multiplied by, for a matrix of (outputs, inputs). `spectral`: max(1, outputs / inputs)^0.5 (Jordan 2024).
/// `like_adamw`: 0.2 max(outputs, inputs)^0.5, so that updates are about as large as AdamW's and its rate serves (Liu et al. 2025, eq. 4).
enum class muon_scale { like_adamw, spectral };

/// Muon (Jordan et al. 2024): the running mean of a matrix's gradient, with Nesterov's look ahead, is orthogonalised by Newton-Schulz
/// steps before it moves the weights; decay as AdamW's. For matrices of hidden layers and experts, each as checkpoints know it; with
/// `by_head` each head of queries, keys and values apart. All else, embeddings and the head too, goes by `rest`.
struct muon {
    double     momentum  = 0.95;
    bool       nesterov  = true;
    int        steps     = 5;
    muon_scale scale     = muon_scale::like_adamw;
    double     epsilon   = 1e-7;
    double     decay     = 0.1;
    bool       by_head   = false;
    double     rest_rate = 1;  ///< what the rate of the rest is multiplied by
    adamw      rest{};

    MT_HOST_DEVICE constexpr bool takes(tensor_place const& t) const {
        return t.is_matrix() && (t.role == role::matrix || t.role == role::expert);
    }
    constexpr double decay_of(role r) const { return r == role::matrix || r == role::expert ? decay : rest.decay_of(r); }
    constexpr bool   fits() const {
        return momentum >= 0 && momentum < 1 && steps >= 1 && steps < 100 && epsilon > 0 && decay >= 0 && rest_rate >= 0 &&
               rest.fits();
    }
    constexpr index_t slots_of(tensor_place const& t) const { return (takes(t) ? 1 : adamw::slots) * t.size(); }
    index_t           rows_of(parameter_part const& p) const { return by_head && p.head_rows > 0 ? p.head_rows : p.rows; }
    void              prepare(step_scalars& s) const { rest.prepare(s); }
    double            factor(tensor_place const& t) const {
        auto const outputs = static_cast<double>(t.rows), inputs = static_cast<double>(t.columns);
        return scale == muon_scale::spectral ? std::sqrt(std::max(1.0, outputs / inputs)) : 0.2 * std::sqrt(std::max(outputs, inputs));
    }

    template <class Precision>
    index_t work_bytes(tensor_places const& all) const {
        index_t n = 0;
        for (auto const& t : all.tensors)
            if (takes(t)) n = std::max(n, newton_schulz<Precision>::bytes(t.rows, t.columns));
        return n;
    }
    template <class Device, class Precision>
    void step(tensor_update<Device, Precision> const& u) const;
};

/// The rest is updated; of a matrix that Muon takes, the direction goes over its gradient.
template <class Precision>
struct muon_direction {
    muon                    optimizer;
    tensor_views<Precision> on;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C          = typename Precision::computed;
        auto const o     = optimizer;
        auto const v     = on;
        auto const piece = v.pieces[r];
        auto const t     = v.of(piece);
        auto       s     = v.scalars_of(t);
        C const    clip  = C(s.clip_factor), decay = v.decay_of(t);
        auto const g     = v.gradient.data + piece.offset;
        auto const m     = v.slots.data + t.slots + (piece.offset - t.offset);
        if (!o.takes(t)) {
            index_t const n = t.size();
            s.rate *= o.rest_rate;
            team.each(piece.count, [=](index_t i) {
                C slot[adamw::slots]{m[i], m[n + i]};
                v.keep(piece.offset + i, o.rest.update(C(v.master.data[piece.offset + i]), g[i] * clip, slot, s, decay));
                m[i] = slot[0], m[n + i] = slot[1];
            });
            return;
        }
        C const b = C(o.momentum), a = C(1.0 - o.momentum);
        team.each(piece.count, [=](index_t i) {
            C const x = g[i] * clip, mean = b * m[i] + a * x;
            m[i]      = mean;
            g[i]      = o.nesterov ? a * x + b * mean : mean;
        });
        C const squares = team.reduce(piece.count, sum{}, [=](index_t i) { return g[i] * g[i]; });
        if (team.leads()) v.partial[r] = squares;
    }
};

/// A matrix moves along its orthogonal direction.
template <class Precision>
struct muon_move {
    using C = typename Precision::computed;

    tensor_views<Precision> on;
    index_t                 tensor;
    row_view<C const>       direction;  // (rows * columns)
    double                  factor;

    MT_HOST_DEVICE void operator()(index_t i) const {
        auto const&   t  = on.tensors.data[tensor];
        index_t const at = t.offset + i;
        C const       rate = C(on.scalars->rate * t.rate);
        on.keep(at, C(on.master.data[at]) * (C(1) - rate * on.decay_of(t)) - rate * C(factor) * direction.data[i]);
    }
};

template <class Device, class Precision>
void muon::step(tensor_update<Device, Precision> const& u) const {
    u.device.rows(u.on.pieces.size(), muon_direction<Precision>{*this, u.on});
    u.sum_pieces(1);
    for (std::size_t n = 0; n < u.tensors.size(); ++n) {
        auto const& t = u.tensors[n];
        if (!takes(t)) continue;
        auto const                     at = static_cast<index_t>(n);
        newton_schulz<Precision> const along(u.work, t.rows, t.columns);
        auto const x = along(u.device, u.on.gradient.part(t.offset, t.size()), u.on.sums.part(at, 1), steps, epsilon);
        u.device.elements(t.size(), muon_move<Precision>{u.on, at, x, factor(t)});
    }
}

}  // namespace midtrain::inline MT_ABI
