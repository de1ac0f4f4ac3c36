#pragma once
#include <midtrain/core/scalar.hpp>
#include <midtrain/op/norm.hpp>
#include <midtrain/op/state_block.hpp>
#include <midtrain/op/sum_of_parts.hpp>
#include <midtrain/problem/selective_scan.hpp>

namespace midtrain::inline MT_ABI::op {

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
        index_t const sequence = task / p.tiles(), tile_at = task % p.tiles();
        auto const    part     = p.part_of(tile_at);
        for (index_t k = p.chunks() - 1; k >= 0; --k) {
            index_t const n = p.length - k * K < K ? p.length - k * K : K, first = sequence * p.length + k * K;
            for (index_t i = 0; i < n; ++i) begin(team, task, part, first + i, i);
            team.each(part.count, [=](index_t j) {
                for (index_t b = 0; b < p.states(); b += state_block) {
                    self.again(task, sequence, part.head, part.first + j, j, k, n, b);
                    self.back(task, sequence, part.head, part.first + j, j, k, n, b);
                }
            });
            team.each(n, [=](index_t i) { self.selection(task, tile_at, part.count, first + i, i); });
            for (index_t i = 0; i < n; ++i) end(team, task, sequence, part, first + i, i, k == p.chunks() - 1 && i == 0);
        }
    }

  private:
    using C                       = computed_t<T>;
    using part_type               = typename selective_scan_problem<T>::part;
    static constexpr index_t K    = selective_scan_problem<T>::chunk;
    static constexpr index_t tile = selective_scan_problem<T>::tile;

    MT_HOST_DEVICE C* scratch(index_t task) const { return g.scratch.data + task * g.scratch_of_team(g.forward.states()); }
    // Of token i of the chunk, a value for each channel.
    MT_HOST_DEVICE C* step(index_t task, index_t i) const { return scratch(task) + i * tile; }
    MT_HOST_DEVICE C* taken(index_t task, index_t i) const { return step(task, K + i); }
    MT_HOST_DEVICE C* seen(index_t task, index_t i) const { return step(task, 2 * K + i); }
    MT_HOST_DEVICE C* seen_slope(index_t task, index_t i) const { return step(task, 3 * K + i); }
    MT_HOST_DEVICE C* from_written(index_t task, index_t i) const { return step(task, 4 * K + i); }
    MT_HOST_DEVICE C* step_slope(index_t task, index_t i) const { return step(task, 5 * K + i); }
    // Of channel j, all its states.
    MT_HOST_DEVICE C* state(index_t task, index_t i, index_t j) const {
        return scratch(task) + g.values + j * g.scratch_of_channel(g.forward.states()) + i * g.forward.states();
    }
    MT_HOST_DEVICE C* slope(index_t task, index_t i, index_t j) const { return state(task, K + i, j); }
    MT_HOST_DEVICE C* behind(index_t task, index_t j) const { return state(task, 2 * K, j); }

    template <class Team>
    MT_HOST_DEVICE void begin(Team const& team, index_t task, part_type part, index_t token, index_t i) const {
        auto const p = g.forward;
        auto const u = p.input.row(token).data + part.first, s = p.step.row(token).data + part.first;
        auto const z = p.gate.row(token).data + part.first;
        auto const dy   = g.output_gradient.row(token).data + part.first;
        auto const skip = p.skip.data + part.first, bias = p.bias.data + part.first;
        auto const d = step(task, i), in = taken(task, i), out = seen(task, i), dout = seen_slope(task, i), written = from_written(task, i);
        auto const dd = step_slope(task, i);
        team.each(part.count, [=](index_t j) {
            d[j]       = softplus(C(s[j]) + bias[j]);
            in[j]      = d[j] * C(u[j]);
            out[j]     = skip[j] * C(u[j]);
            dout[j]    = C(dy[j]) * C(z[j]) * logistic(C(z[j]));
            written[j] = C(0);
            dd[j]      = C(0);
        });
    }
    /// States once more: scratch has them, and where their gradients will be the decays.
    MT_HOST_DEVICE void again(index_t task, index_t sequence, index_t head, index_t c, index_t j, index_t k, index_t n, index_t b) const {
        auto const    p     = g.forward;
        index_t const first = sequence * p.length + k * K, left = p.states() - b;
        C             rate[state_block], h[state_block], decay[state_block], written[state_block], read[state_block];
        load_rates(rate, p.log_rate.row(c).data + b, left);
        load_block(h, p.kept_before(sequence, k, c) + b, k == 0 ? 0 : left);
        for (index_t i = 0; i < n; ++i) {
            auto const row  = p.selection.row(first + i).data + b;
            C const    stay = p.starts(sequence, k * K + i) ? C(0) : C(1), d = step(task, i)[j], in = taken(task, i)[j];
            load_block(written, row + p.written_column(head), left);
            load_block(read, row + p.read_column(head), left);
            for (index_t s = 0; s < state_block; ++s) {
                decay[s] = stay * exponential(d * rate[s]);
                h[s]     = decay[s] * h[s] + in * written[s];
                read[s] *= h[s];
            }
            seen(task, i)[j] += sum_of_block(read);
            store_block(h, state(task, i, j) + b, left);
            store_block(decay, slope(task, i, j) + b, left);
        }
    }
    MT_HOST_DEVICE void back(index_t task, index_t sequence, index_t head, index_t c, index_t j, index_t k, index_t n, index_t b) const {
        auto const    p     = g.forward;
        index_t const first = sequence * p.length + k * K, left = p.states() - b;
        bool const    last  = k == p.chunks() - 1;
        auto const    rates = g.rate_parts.data + (sequence * p.channels() + c) * p.states() + b;
        C             rate[state_block], h[state_block], decay[state_block], before[state_block], written[state_block], read[state_block];
        C             total[state_block], of_step[state_block], of_written[state_block];  // h: the gradient of the states
        load_rates(rate, p.log_rate.row(c).data + b, left);
        load_block(h, behind(task, j) + b, last ? 0 : left);
        load_block(total, rates, last ? 0 : left);
        for (index_t i = n - 1; i >= 0; --i) {
            auto const row = p.selection.row(first + i).data + b;
            C const    dy = seen_slope(task, i)[j], d = step(task, i)[j];
            load_block(written, row + p.written_column(head), left);
            load_block(read, row + p.read_column(head), left);
            load_block(decay, slope(task, i, j) + b, left);
            if (i > 0) load_block(before, state(task, i - 1, j) + b, left);
            else load_block(before, p.kept_before(sequence, k, c) + b, k == 0 ? 0 : left);
            for (index_t s = 0; s < state_block; ++s) {
                C const dh    = h[s] + dy * read[s], on = dh * decay[s], e = on * before[s] * rate[s];
                read[s]       = dh;
                of_written[s] = dh * written[s];
                of_step[s]    = e;
                total[s] += e * d;
                h[s] = on;
            }
            store_block(read, slope(task, i, j) + b, left);
            step_slope(task, i)[j] += sum_of_block(of_step);
            from_written(task, i)[j] += sum_of_block(of_written);
        }
        store_block(h, behind(task, j) + b, left);
        store_block(total, rates, left);
    }
    /// What a tile's channels give to B and C of a token.
    MT_HOST_DEVICE void selection(index_t task, index_t t, index_t channels, index_t token, index_t i) const {
        index_t const states = g.forward.states();
        auto const    to     = g.selection_parts.data + (t * g.forward.input.rows + token) * 2 * states;
        for (index_t b = 0; b < states; b += state_block) {
            C written[state_block] = {}, read[state_block] = {}, h[state_block], d[state_block];
            for (index_t j = 0; j < channels; ++j) {
                load_block(h, state(task, i, j) + b, states - b);
                load_block(d, slope(task, i, j) + b, states - b);
                add_times(written, d, taken(task, i)[j]);
                add_times(read, h, seen_slope(task, i)[j]);
            }
            store_block(written, to + b, states - b);
            store_block(read, to + states + b, states - b);
        }
    }
    template <class Team>
    MT_HOST_DEVICE void end(Team const& team, index_t task, index_t sequence, part_type part, index_t token, index_t i, bool begins) const {
        auto const p = g.forward;
        auto const u = p.input.row(token).data + part.first, s = p.step.row(token).data + part.first;
        auto const z = p.gate.row(token).data + part.first;
        auto const dy   = g.output_gradient.row(token).data + part.first;
        auto const skip = p.skip.data + part.first, bias = p.bias.data + part.first;
        auto const d = step(task, i), out = seen(task, i), dout = seen_slope(task, i);
        auto const written = from_written(task, i), dd = step_slope(task, i);
        auto const du = g.input_gradient.row(token).data + part.first, ds = g.step_gradient.row(token).data + part.first;
        auto const dz = g.gate_gradient.row(token).data + part.first;
        auto const skipped = g.skip_parts.data + sequence * p.channels() + part.first;
        C const    before  = begins ? C(0) : C(1);
        team.each(part.count, [=](index_t j) {
            C const l  = logistic(C(z[j])), of_gate = l * (C(1) + C(z[j]) * (C(1) - l)), in = C(u[j]);
            skipped[j] = before * skipped[j] + dout[j] * in;
            dz[j]      = T(C(dy[j]) * out[j] * of_gate);
            ds[j]      = T((dd[j] + in * written[j]) * logistic(C(s[j]) + bias[j]));
            du[j]      = T(skip[j] * dout[j] + d[j] * written[j]);
        });
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
            for (index_t t = head * tiles; t < (head + 1) * tiles; ++t)
                total += self.selection_parts[(t * p.input.rows + token) * width + s];
            index_t const to = s < p.states() ? p.written_column(head) + s : p.read_column(head) + s - p.states();
            self.selection_gradient(token, to) = T(total);
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op

namespace midtrain::inline MT_ABI {

template <class Device, class T>
void plain(Device& device, selective_scan_gradient_problem<T> const& g) {
    using C       = computed_t<T>;
    auto const& p = g.forward;
    device.rows(p.sequences * p.tiles(), op::selective_scan_backward<T>{g});
    device.rows(p.input.rows, op::selective_scan_selection_backward<T>{g});
    index_t const rates = p.channels() * p.states();
    device.rows(op::sum_of_parts<C>::teams(rates), op::sum_of_parts<C>{g.rate_parts, rates, 0, g.log_rate_gradient.flat()});
    device.rows(op::sum_of_parts<C>::teams(p.channels()), op::sum_of_parts<C>{g.skip_parts, p.channels(), 0, g.skip_gradient});
}

}  // namespace midtrain::inline MT_ABI
