#pragma once
#include <midtrain/core/scalar.hpp>
#include <midtrain/op/state_block.hpp>
#include <midtrain/problem/selective_scan.hpp>

namespace midtrain::inline MT_ABI::op {

/// 32 channels of a sequence a team, chunk by chunk: what lies side by side token by token is done token by token, and each channel's
/// states in one go.
template <class T>
struct selective_scan_forward {
    static constexpr index_t row_values = selective_scan_problem<T>::tile;

    selective_scan_problem<T> p;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t task) const {
        auto const    self     = *this;
        auto const    part     = p.part_of(task % p.tiles());
        index_t const sequence = task / p.tiles();
        for (index_t k = 0; k < p.chunks(); ++k) {
            index_t const n = p.length - k * K < K ? p.length - k * K : K, first = sequence * p.length + k * K;
            for (index_t i = 0; i < n; ++i) begin(team, task, part, first + i, i);
            team.each(part.count, [=](index_t j) {
                for (index_t b = 0; b < self.p.states(); b += state_block)
                    self.states(task, sequence, part.head, part.first + j, j, k, n, b);
            });
            for (index_t i = 0; i < n; ++i) end(team, task, part, first + i, i);
        }
    }

  private:
    using C                       = computed_t<T>;
    using part_type               = typename selective_scan_problem<T>::part;
    static constexpr index_t K    = selective_scan_problem<T>::chunk;
    static constexpr index_t tile = selective_scan_problem<T>::tile;

    MT_HOST_DEVICE C* step(index_t task, index_t i) const { return p.scratch.data + task * p.scratch_of_team() + i * tile; }
    MT_HOST_DEVICE C* taken(index_t task, index_t i) const { return step(task, K + i); }
    MT_HOST_DEVICE C* seen(index_t task, index_t i) const { return step(task, 2 * K + i); }

    template <class Team>
    MT_HOST_DEVICE void begin(Team const& team, index_t task, part_type part, index_t token, index_t i) const {
        auto const u = p.input.row(token).data + part.first, s = p.step.row(token).data + part.first;
        auto const skip = p.skip.data + part.first, bias = p.bias.data + part.first;
        auto const d = step(task, i), in = taken(task, i), out = seen(task, i);
        team.each(part.count, [=](index_t j) {
            d[j]   = softplus(C(s[j]) + bias[j]);
            in[j]  = d[j] * C(u[j]);
            out[j] = skip[j] * C(u[j]);
        });
    }
    template <class Team>
    MT_HOST_DEVICE void end(Team const& team, index_t task, part_type part, index_t token, index_t i) const {
        auto const z = p.gate.row(token).data + part.first;
        auto const y = p.output.row(token).data + part.first;
        auto const s = seen(task, i);
        team.each(part.count, [=](index_t j) { y[j] = T(s[j] * C(z[j]) * logistic(C(z[j]))); });
    }
    /// A block of a channel's states through a chunk of n tokens.
    MT_HOST_DEVICE void states(index_t task, index_t sequence, index_t head, index_t c, index_t j, index_t k, index_t n, index_t b) const {
        index_t const first = sequence * p.length + k * K, left = p.states() - b;
        C             rate[state_block], h[state_block], written[state_block], read[state_block];
        load_rates(rate, p.log_rate.row(c).data + b, left);
        load_block(h, p.kept_before(sequence, k, c) + b, k == 0 && !p.goes_on ? 0 : left);
        for (index_t i = 0; i < n; ++i) {
            auto const row  = p.selection.row(first + i).data + b;
            C const    stay = p.starts(sequence, k * K + i) ? C(0) : C(1), d = step(task, i)[j], in = taken(task, i)[j];
            load_block(written, row + p.written_column(head), left);
            load_block(read, row + p.read_column(head), left);
            for (index_t s = 0; s < state_block; ++s) {
                h[s] = stay * exponential(d * rate[s]) * h[s] + in * written[s];
                read[s] *= h[s];
            }
            seen(task, i)[j] += sum_of_block(read);
        }
        if (p.slots == 1 || k + 1 < p.slots) store_block(h, p.kept_before(sequence, k + 1, c) + b, left);
    }
};

}  // namespace midtrain::inline MT_ABI::op

namespace midtrain::inline MT_ABI {

template <class Device, class T>
void plain(Device& device, selective_scan_problem<T> const& p) {
    device.rows(p.sequences * p.tiles(), op::selective_scan_forward<T>{p});
}

}  // namespace midtrain::inline MT_ABI
