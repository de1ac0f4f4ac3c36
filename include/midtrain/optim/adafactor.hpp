#pragma once
#include <cmath>
#include <midtrain/core/scalar.hpp>
#include <midtrain/optim/tensor_update.hpp>

namespace midtrain::inline MT_ABI {

/// Adafactor (Shazeer and Stern 2018, algorithms 4 and 5): a matrix's mean squares are kept as those of its rows and its columns, vectors'
/// one by one; updates are held to a root mean square of `clip`. The step is the rate, or with `relative` 1 / sqrt(step) where that is
/// less, times the root mean square of the tensor's weights with `by_size`. Decay is decoupled, times the rate (as torch.optim.Adafactor).
struct adafactor {
    double beta1          = 0;      ///< of momentum; 0: none, and no memory for it
    double fall           = 0.8;    ///< the mean square's beta is 1 - step^-fall
    double epsilon        = 1e-30;  ///< added to the gradient's square
    double epsilon_weight = 1e-3;   ///< the least size of weights by which the step is multiplied
    double clip           = 1;
    double decay          = 0;
    bool   relative       = true;
    bool   by_size        = true;

    constexpr double decay_of(role r) const { return decays(r) ? decay : 0.0; }
    constexpr bool   fits() const {
        return beta1 >= 0 && beta1 < 1 && fall > 0 && epsilon > 0 && epsilon_weight >= 0 && clip > 0 && decay >= 0;
    }
    /// The mean squares, then momentum.
    MT_HOST_DEVICE constexpr index_t squares_of(tensor_place const& t) const { return t.is_matrix() ? t.rows + t.columns : t.size(); }
    constexpr index_t slots_of(tensor_place const& t) const { return squares_of(t) + (beta1 > 0 ? t.size() : 0); }
    void              prepare(step_scalars& s) const {
        auto const n  = static_cast<double>(s.step);
        s.correction1 = relative && s.rate * std::sqrt(n) > 1 ? 1 / (s.rate * std::sqrt(n)) : 1.0;
        s.correction2 = std::pow(n, -fall);  // one minus beta
    }

    template <class Device, class Precision>
    void step(tensor_update<Device, Precision> const& u) const;
};

namespace detail {

/// The mean squares of rows: slot(r) moves towards mean(g^2 + epsilon). One row a team.
template <class Precision>
struct adafactor_rows {
    tensor_views<Precision> on;
    index_t                 tensor;
    double                  epsilon;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C           = typename Precision::computed;
        auto const  v     = on;
        auto const& t     = v.tensors.data[tensor];
        auto const  g     = v.gradient.data + t.offset + r * t.columns;
        C const     clip  = C(v.scalars->clip_factor), more = C(epsilon);
        C const     total = team.reduce(t.columns, sum{}, [=](index_t i) { return g[i] * g[i] * clip * clip + more; });
        C&          slot  = v.slots.data[t.slots + r];
        if (team.leads()) slot += C(v.scalars->correction2) * (total / C(t.columns) - slot);
    }
};
/// The same of columns, 32 of them a team.
template <class Precision>
struct adafactor_columns {
    static constexpr index_t width = 32, row_values = width;

    tensor_views<Precision> on;
    index_t                 tensor;
    double                  epsilon;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t tile) const {
        using C             = typename Precision::computed;
        auto const    v     = on;
        auto const    t     = v.tensors.data[tensor];
        index_t const first = tile * width, count = t.columns - first < width ? t.columns - first : width;
        C const       clip  = C(v.scalars->clip_factor), more = C(epsilon);
        team.each(count, [=](index_t i) {
            C total = 0;
            for (index_t r = 0; r < t.rows; ++r) {
                C const x = v.gradient.data[t.offset + r * t.columns + first + i] * clip;
                total += x * x + more;
            }
            C& slot = v.slots.data[t.slots + t.rows + first + i];
            slot += C(v.scalars->correction2) * (total / C(t.rows) - slot);
        });
    }
};
/// sums(t) = the mean of a matrix's mean squares of rows.
template <class Precision>
struct adafactor_mean {
    tensor_views<Precision> on;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t n) const {
        using C          = typename Precision::computed;
        auto const t     = on.tensors[n];
        if (!t.is_matrix()) return;
        auto const slot  = on.slots.data + t.slots;
        C const    total = team.reduce(t.rows, sum{}, [=](index_t r) { return slot[r]; });
        if (team.leads()) on.sums[n] = total / C(t.rows);
    }
};
/// The update goes over the gradient, its sum of squares and that of the weights to the piece's sums.
template <class Precision>
struct adafactor_propose {
    tensor_views<Precision> on;
    double                  epsilon;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t p) const {
        using C             = typename Precision::computed;
        auto const    v     = on;
        auto const    piece = v.pieces[p];
        auto const    t     = v.of(piece);
        auto const    w     = v.master.data + piece.offset;
        auto const    g     = v.gradient.data + piece.offset;
        auto const    slot  = v.slots.data + t.slots;
        index_t const first = piece.offset - t.offset;
        C const       clip  = C(v.scalars->clip_factor), towards = C(v.scalars->correction2), more = C(epsilon);
        if (t.is_matrix()) {
            C const mean = v.sums[piece.tensor];
            team.each(piece.count, [=](index_t i) {
                index_t const at = first + i, row = at / t.columns;
                g[i] = g[i] * clip / (root(slot[row] / mean) * root(slot[t.rows + at - row * t.columns]));
            });
        } else
            team.each(piece.count, [=](index_t i) {
                C const x = g[i] * clip;
                slot[first + i] += towards * (x * x + more - slot[first + i]);
                g[i] = x / root(slot[first + i]);
            });
        C const updates = team.reduce(piece.count, sum{}, [=](index_t i) { return g[i] * g[i]; });
        C const weights = team.reduce(piece.count, sum{}, [=](index_t i) { return C(w[i]) * C(w[i]); });
        if (team.leads()) v.partial[p] = updates, v.partial[v.pieces.size() + p] = weights;
    }
};
/// Weights from the updates and what their tensor says of them.
template <class Precision>
struct adafactor_settle {
    adafactor               optimizer;
    tensor_views<Precision> on;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t p) const {
        using C             = typename Precision::computed;
        auto const    o     = optimizer;
        auto const    v     = on;
        auto const    piece = v.pieces[p];
        auto const    t     = v.of(piece);
        auto const    u     = v.gradient.data + piece.offset;
        auto const    m     = v.slots.data + t.slots + o.squares_of(t) + (piece.offset - t.offset);
        C const       n     = C(t.size());
        C const       size  = root(v.sums[piece.tensor] / n) / C(o.clip);
        C const       least = C(o.epsilon_weight), weights = root(v.sums[v.tensors.size() + piece.tensor] / n);
        C const       rate  = C(v.scalars->rate * t.rate), decay = v.decay_of(t);
        C const       scale = !o.by_size ? C(1) : weights > least ? weights : least;
        C const       by    = rate * C(v.scalars->correction1) * scale / (size > C(1) ? size : C(1));
        team.each(piece.count, [=](index_t i) {
            C step = u[i] * by;
            if (o.beta1 > 0) step = m[i] = C(o.beta1) * m[i] + C(1.0 - o.beta1) * step;
            v.keep(piece.offset + i, C(v.master.data[piece.offset + i]) * (C(1) - rate * decay) - step);
        });
    }
};

}  // namespace detail

template <class Device, class Precision>
void adafactor::step(tensor_update<Device, Precision> const& u) const {
    for (std::size_t n = 0; n < u.tensors.size(); ++n) {
        auto const& t  = u.tensors[n];
        auto const  at = static_cast<index_t>(n);
        if (!t.is_matrix()) continue;
        u.device.rows(t.rows, detail::adafactor_rows<Precision>{u.on, at, epsilon});
        u.device.rows((t.columns + 31) / 32, detail::adafactor_columns<Precision>{u.on, at, epsilon});
    }
    u.device.rows(u.on.tensors.size(), detail::adafactor_mean<Precision>{u.on});
    u.device.rows(u.on.pieces.size(), detail::adafactor_propose<Precision>{u.on, epsilon});
    u.sum_pieces(2);
    u.device.rows(u.on.pieces.size(), detail::adafactor_settle<Precision>{*this, u.on});
}

}  // namespace midtrain::inline MT_ABI
