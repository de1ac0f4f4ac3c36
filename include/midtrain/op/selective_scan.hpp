#pragma once
#include <midtrain/core/scalar.hpp>
#include <midtrain/op/norm.hpp>
#include <midtrain/op/short_convolution.hpp>
#include <midtrain/problem/selective_scan.hpp>

namespace midtrain::inline MT_ABI::op {

/// Sixteen states of a channel: what the loops below go by, so that they become vector code.
inline constexpr index_t state_block = 16;

/// Their sum, as a tree.
template <class C>
MT_HOST_DEVICE MT_INLINE C sum_of_block(C (&v)[state_block]) {
    for (index_t half = state_block / 2; half > 0; half /= 2)
        for (index_t n = 0; n < half; ++n) v[n] += v[n + half];
    return v[0];
}
/// The first `count` of a row, and zeros behind them.
template <class C, class X>
MT_HOST_DEVICE MT_INLINE void load_block(C (&v)[state_block], X const* from, index_t count) {
    if (count >= state_block)
        for (index_t n = 0; n < state_block; ++n) v[n] = C(from[n]);
    else
        for (index_t n = 0; n < state_block; ++n) v[n] = n < count ? C(from[n]) : C(0);
}
template <class C>
MT_HOST_DEVICE MT_INLINE void store_block(C const (&v)[state_block], C* to, index_t count) {
    if (count >= state_block)
        for (index_t n = 0; n < state_block; ++n) to[n] = v[n];
    else
        for (index_t n = 0; n < count; ++n) to[n] = v[n];
}
/// A of a block.
template <class C>
MT_HOST_DEVICE MT_INLINE void load_rates(C (&v)[state_block], C const* log_rate, index_t count) {
    load_block(v, log_rate, count);
    for (index_t n = 0; n < state_block; ++n) v[n] = -exponential(v[n]);
}

/// 32 channels of a sequence a team.
template <class T>
struct selective_scan_forward {
    static constexpr index_t row_values = selective_scan_problem<T>::tile;

    selective_scan_problem<T> p;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t task) const {
        auto const    self     = *this;
        auto const    part     = p.part_of(task % p.tiles());
        index_t const sequence = task / p.tiles();
        team.each(part.count, [=](index_t i) {
            for (index_t k = 0; k < self.p.chunks(); ++k) self.chunk(sequence, part.head, part.first + i, k);
        });
    }

  private:
    using C                    = computed_t<T>;
    static constexpr index_t K = selective_scan_problem<T>::chunk;

    MT_HOST_DEVICE void chunk(index_t sequence, index_t head, index_t c, index_t k) const {
        index_t const at = k * K, first = sequence * p.length + at, n = p.length - at < K ? p.length - at : K;
        C             step[K], taken[K], seen[K];
        for (index_t i = 0; i < n; ++i) {
            C const u = C(p.input(first + i, c));
            step[i]   = softplus(C(p.step(first + i, c)) + p.bias[c]);
            taken[i]  = step[i] * u;
            seen[i]   = p.skip[c] * u;
        }
        for (index_t b = 0; b < p.states(); b += state_block) states(sequence, head, c, k, n, b, step, taken, seen);
        for (index_t i = 0; i < n; ++i) {
            C const z             = C(p.gate(first + i, c));
            p.output(first + i, c) = T(seen[i] * z * logistic(z));
        }
    }
    /// A block of states through a chunk of n tokens.
    MT_HOST_DEVICE void states(index_t sequence, index_t head, index_t c, index_t k, index_t n, index_t b, C const (&step)[K],
                               C const (&taken)[K], C (&seen)[K]) const {
        index_t const at = k * K, first = sequence * p.length + at, left = p.states() - b;
        C             rate[state_block], h[state_block], written[state_block], read[state_block];
        load_rates(rate, p.log_rate.row(c).data + b, left);
        load_block(h, p.kept_before(sequence, k, c) + b, k == 0 && !p.goes_on ? 0 : left);
        for (index_t i = 0; i < n; ++i) {
            auto const row  = p.selection.row(first + i).data + b;
            C const    stay = p.starts(sequence, at + i) ? C(0) : C(1);
            load_block(written, row + p.written_column(head), left);
            load_block(read, row + p.read_column(head), left);
            for (index_t s = 0; s < state_block; ++s) {
                h[s] = stay * exponential(step[i] * rate[s]) * h[s] + taken[i] * written[s];
                read[s] *= h[s];
            }
            seen[i] += sum_of_block(read);
        }
        if (p.slots == 1 || k + 1 < p.slots) store_block(h, p.kept_before(sequence, k + 1, c) + b, left);
    }
};

/// All but the sums over channels and sequences, which are made of parts. 32 channels of a sequence a team, chunks from the last to the
/// first: states forward from what is kept, then gradients backward.
template <class T>
struct selective_scan_backward {
    static constexpr index_t row_values = selective_scan_problem<T>::tile;

    selective_scan_gradient_problem<T> g;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t task) const {
        auto const    self     = *this;
        auto const    p        = g.forward;
        index_t const sequence = task / p.tiles(), tile = task % p.tiles();
        auto const    part     = p.part_of(tile);
        for (index_t k = p.chunks() - 1; k >= 0; --k) {
            index_t const n = p.length - k * K < K ? p.length - k * K : K;
            team.each(part.count, [=](index_t j) { self.chunk(task, sequence, part.head, part.first + j, j, k, n); });
            team.each(n, [=](index_t i) { self.selection(task, tile, part.count, sequence * p.length + k * K + i, i); });
        }
    }

  private:
    using C                       = computed_t<T>;
    static constexpr index_t K    = selective_scan_problem<T>::chunk;
    static constexpr index_t tile = selective_scan_problem<T>::tile;

    // A team's scratch: (chunk, tile, states) of states and of their gradients, (tile, states) behind the chunk, twice (chunk, tile).
    MT_HOST_DEVICE C* scratch(index_t task) const { return g.scratch.data + task * g.scratch_of_team(g.forward.states()); }
    MT_HOST_DEVICE C* state(index_t task, index_t i, index_t j) const { return scratch(task) + (i * tile + j) * g.forward.states(); }
    MT_HOST_DEVICE C* slope(index_t task, index_t i, index_t j) const { return state(task, K + i, j); }
    MT_HOST_DEVICE C* behind(index_t task, index_t j) const { return state(task, 2 * K, j); }
    MT_HOST_DEVICE C& taken(index_t task, index_t i, index_t j) const { return scratch(task)[(2 * K + 1) * tile * g.forward.states() + i * tile + j]; }
    MT_HOST_DEVICE C& seen_slope(index_t task, index_t i, index_t j) const { return (&taken(task, K, 0))[i * tile + j]; }

    /// What a channel's loops over a chunk share.
    struct tokens {
        C step[K], input[K], seen[K], seen_slope[K], from_written[K], step_slope[K];
    };

    MT_HOST_DEVICE void chunk(index_t task, index_t sequence, index_t head, index_t c, index_t j, index_t k, index_t n) const {
        auto const    p     = g.forward;
        index_t const first = sequence * p.length + k * K;
        C const       skip  = p.skip[c];
        tokens        x;
        for (index_t i = 0; i < n; ++i) {
            C const z = C(p.gate(first + i, c));
            x.input[i]           = C(p.input(first + i, c));
            x.step[i]            = softplus(C(p.step(first + i, c)) + p.bias[c]);
            x.seen[i]            = skip * x.input[i];
            x.seen_slope[i]      = C(g.output_gradient(first + i, c)) * z * logistic(z);
            x.from_written[i]    = C(0);
            x.step_slope[i]      = C(0);
            taken(task, i, j)      = x.step[i] * x.input[i];
            seen_slope(task, i, j) = x.seen_slope[i];
        }
        for (index_t b = 0; b < p.states(); b += state_block) {
            again(task, sequence, head, c, j, k, n, b, x);
            back(task, sequence, head, c, j, k, n, b, x);
        }
        C skipped = k == p.chunks() - 1 ? C(0) : g.skip_parts[sequence * p.channels() + c];
        for (index_t i = 0; i < n; ++i) {
            C const z = C(p.gate(first + i, c)), l = logistic(z);
            skipped += x.seen_slope[i] * x.input[i];
            g.input_gradient(first + i, c) = T(skip * x.seen_slope[i] + x.step[i] * x.from_written[i]);
            g.step_gradient(first + i, c)  = T((x.step_slope[i] + x.input[i] * x.from_written[i]) * logistic(C(p.step(first + i, c)) + p.bias[c]));
            g.gate_gradient(first + i, c)  = T(C(g.output_gradient(first + i, c)) * x.seen[i] * l * (C(1) + z * (C(1) - l)));
        }
        g.skip_parts[sequence * p.channels() + c] = skipped;
    }
    /// States once more: scratch has them, and where their gradients will be the decays.
    MT_HOST_DEVICE void again(index_t task, index_t sequence, index_t head, index_t c, index_t j, index_t k, index_t n, index_t b, tokens& x) const {
        auto const    p     = g.forward;
        index_t const first = sequence * p.length + k * K, left = p.states() - b;
        C             rate[state_block], h[state_block], decay[state_block], written[state_block], read[state_block];
        load_rates(rate, p.log_rate.row(c).data + b, left);
        load_block(h, p.kept_before(sequence, k, c) + b, k == 0 ? 0 : left);
        for (index_t i = 0; i < n; ++i) {
            auto const row  = p.selection.row(first + i).data + b;
            C const    stay = p.starts(sequence, k * K + i) ? C(0) : C(1), in = x.step[i] * x.input[i];
            load_block(written, row + p.written_column(head), left);
            load_block(read, row + p.read_column(head), left);
            for (index_t s = 0; s < state_block; ++s) {
                decay[s] = stay * exponential(x.step[i] * rate[s]);
                h[s]     = decay[s] * h[s] + in * written[s];
                read[s] *= h[s];
            }
            x.seen[i] += sum_of_block(read);
            store_block(h, state(task, i, j) + b, left);
            store_block(decay, slope(task, i, j) + b, left);
        }
    }
    MT_HOST_DEVICE void back(index_t task, index_t sequence, index_t head, index_t c, index_t j, index_t k, index_t n, index_t b, tokens& x) const {
        auto const    p     = g.forward;
        index_t const first = sequence * p.length + k * K, left = p.states() - b;
        bool const    last  = k == p.chunks() - 1;
        auto const    rates = g.rate_parts.data + (sequence * p.channels() + c) * p.states() + b;
        C             rate[state_block], d[state_block], decay[state_block], before[state_block], written[state_block], read[state_block];
        C             total[state_block], of_step[state_block];
        load_rates(rate, p.log_rate.row(c).data + b, left);
        load_block(d, behind(task, j) + b, last ? 0 : left);
        load_block(total, rates, last ? 0 : left);
        for (index_t i = n - 1; i >= 0; --i) {
            auto const row = p.selection.row(first + i).data + b;
            load_block(written, row + p.written_column(head), left);
            load_block(read, row + p.read_column(head), left);
            load_block(decay, slope(task, i, j) + b, left);
            if (i > 0) load_block(before, state(task, i - 1, j) + b, left);
            else load_block(before, p.kept_before(sequence, k, c) + b, k == 0 ? 0 : left);
            for (index_t s = 0; s < state_block; ++s) d[s] += x.seen_slope[i] * read[s];
            store_block(d, slope(task, i, j) + b, left);
            for (index_t s = 0; s < state_block; ++s) {
                d[s] *= decay[s];
                C const e  = d[s] * before[s] * rate[s];
                of_step[s] = e;
                total[s] += e * x.step[i];
            }
            x.step_slope[i] += sum_of_block(of_step);
            load_block(of_step, slope(task, i, j) + b, left);
            for (index_t s = 0; s < state_block; ++s) of_step[s] *= written[s];
            x.from_written[i] += sum_of_block(of_step);
        }
        store_block(d, behind(task, j) + b, left);
        store_block(total, rates, left);
    }
    /// What a tile's channels give to B and C of a token.
    MT_HOST_DEVICE void selection(index_t task, index_t t, index_t channels, index_t token, index_t i) const {
        index_t const states = g.forward.states();
        auto const    to     = g.selection_parts.data + (t * g.forward.input.rows + token) * 2 * states;
        for (index_t b = 0; b < states; b += state_block) {
            C written[state_block] = {}, read[state_block] = {}, h[state_block], d[state_block];
            for (index_t j = 0; j < channels; ++j) {
                C const u = taken(task, i, j), y = seen_slope(task, i, j);
                load_block(h, state(task, i, j) + b, states - b);
                load_block(d, slope(task, i, j) + b, states - b);
                for (index_t s = 0; s < state_block; ++s) {
                    written[s] += d[s] * u;
                    read[s] += h[s] * y;
                }
            }
            store_block(written, to + b, states - b);
            store_block(read, to + states + b, states - b);
        }
    }
};

/// B's and C's gradients from the parts of their head's tiles, in order. One token a team.
template <class T>
struct selective_scan_selection_backward {
    static constexpr index_t row_values = 32;

    selective_scan_gradient_problem<T> g;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t token) const {
        using C             = computed_t<T>;
        auto const    self  = g;
        auto const    p     = g.forward;
        index_t const width = 2 * p.states(), tiles = p.tiles_of_head();
        team.each(p.heads * width, [=](index_t i) {
            index_t const head = i / width, s = i % width;
            C             total = 0;
            for (index_t t = head * tiles; t < (head + 1) * tiles; ++t) total += self.selection_parts[(t * p.input.rows + token) * width + s];
            self.selection_gradient(token, p.written_column(head) + s) = T(total);
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op

namespace midtrain::inline MT_ABI {

template <class Device, class T>
void plain(Device& device, selective_scan_problem<T> const& p) {
    device.rows(p.sequences * p.tiles(), op::selective_scan_forward<T>{p});
}

template <class Device, class T>
void plain(Device& device, selective_scan_gradient_problem<T> const& g) {
    using C       = computed_t<T>;
    auto const& p = g.forward;
    device.rows(p.sequences * p.tiles(), op::selective_scan_backward<T>{g});
    device.rows(p.input.rows, op::selective_scan_selection_backward<T>{g});
    index_t const rates = p.channels() * p.states();
    device.rows(op::column_tiles(rates), op::sum_of_parts<C>{g.rate_parts, rates, 0, g.log_rate_gradient.flat()});
    device.rows(op::column_tiles(p.channels()), op::sum_of_parts<C>{g.skip_parts, p.channels(), 0, g.skip_gradient});
}

}  // namespace midtrain::inline MT_ABI
