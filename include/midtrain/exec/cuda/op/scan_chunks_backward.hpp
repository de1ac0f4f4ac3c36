#pragma once
#include <midtrain/exec/cuda/op/scan_chunks.hpp>
#include <midtrain/op/selective_scan_backward.hpp>
#include <midtrain/op/sum_of_parts.hpp>

// Its gradient, in the same three steps from the last chunk to the first. `carries` holds (sequences, chunks, channels, states).
namespace midtrain::inline MT_ABI::detail {

/// The gradient that each chunk by itself hands to the one before, where that chunk's gradient from behind will be; scratch as of
/// scan_ends.
template <class T>
struct scan_gradient_ends {
    selective_scan_gradient_problem<T> g;

    template <class Warp>
    MT_HOST_DEVICE void operator()(Warp const& warp, index_t task) const {
        using C = computed_t<T>;
        auto const&         p = g.forward;
        scan_place<T> const at(p, task);
        if (at.k == 0) return;
        warp.each([&](int lane) {
            if (lane >= at.part.count) return;
            index_t const c = at.part.first + lane;
            C             steps = 0;
            for (index_t b = 0; b < p.states(); b += op::state_block) {
                C rate[op::state_block], h[op::state_block] = {}, read[op::state_block];
                op::load_rates(rate, p.log_rate.row(c).data + b, p.states() - b);
                steps = 0;
                for (index_t i = at.n - 1; i >= 0; --i) {
                    C const z = C(p.gate(at.first + i, c)), dout = C(g.output_gradient(at.first + i, c)) * z * logistic(z),
                            d = at.step(i, c), stay = at.stays(i);
                    at.read(read, i, b);
                    for (index_t s = 0; s < op::state_block; ++s) h[s] = stay * exponential(d * rate[s]) * (h[s] + dout * read[s]);
                    steps = stay == C(0) || steps < C(0) ? C(-1) : steps + d;
                }
                op::store_block(h, g.carry(at.sequence, at.k - 1, c) + b, p.states() - b);
            }
            g.scratch.data[(at.sequence * p.chunks() + at.k) * p.channels() + c] = steps;
        });
    }
};

/// From these the gradient behind each chunk. A state of a channel of a sequence each.
template <class T>
struct scan_gradient_carry {
    selective_scan_gradient_problem<T> g;

    index_t elements() const { return g.forward.sequences * g.forward.channels() * g.forward.states(); }

    MT_HOST_DEVICE void operator()(index_t i) const {
        using C              = computed_t<T>;
        auto const&   p      = g.forward;
        index_t const of     = p.channels() * p.states(), sequence = i / of, c = i % of / p.states(), s = i % p.states();
        C const       rate   = -exponential(p.log_rate(c, s));
        C             h      = 0;
        g.carry(sequence, p.chunks() - 1, c)[s] = h;
        for (index_t k = p.chunks() - 1; k > 0; --k) {
            C const steps = g.scratch.data[(sequence * p.chunks() + k) * p.channels() + c];
            C&      next  = g.carry(sequence, k - 1, c)[s];
            h             = (steps < C(0) ? C(0) : exponential(rate * steps)) * h + next;
            next          = h;
        }
    }
};

/// All gradients of a chunk from the states before it and the gradient behind it. What it gives to log_rate and skip stands then in carries
/// and scratch, where what it began with stood.
template <class T>
struct scan_gradients {
    using C = computed_t<T>;

    selective_scan_gradient_problem<T> g;

    template <class Warp>
    MT_HOST_DEVICE void operator()(Warp const& warp, index_t task) const {
        auto const&         p = g.forward;
        scan_place<T> const at(p, task);
        typename Warp::template of_lanes<by_token> sums;
        typename Warp::template of_lanes<C>        skips{};
        for (index_t b = 0; b < p.states(); b += op::state_block) block(warp, at, b, sums, skips);
        warp.each([&](int lane) {
            if (lane < at.part.count)
                g.scratch.data[(at.sequence * p.chunks() + at.k) * p.channels() + at.part.first + lane] = warp.of(skips, lane);
        });
    }

  private:
    /// Before the first token of a chunk, and after each.
    struct chunk_states {
        C v[selective_scan_problem<T>::chunk + 1][op::state_block];
    };
    /// Sums over the blocks of states that are done, of each token.
    struct by_token {
        C of_step[selective_scan_problem<T>::chunk], of_written[selective_scan_problem<T>::chunk], seen[selective_scan_problem<T>::chunk];
    };

    /// For states b and the fifteen behind it.
    template <class Warp, class Sums, class Skips>
    MT_HOST_DEVICE void block(Warp const& warp, scan_place<T> const& at, index_t b, Sums& sums, Skips& skips) const {
        auto const&                                       p = g.forward;
        typename Warp::template of_lanes<state_values<C>> rates{}, behinds{}, totals{};
        typename Warp::template of_lanes<chunk_states>    states;
        warp.each([&](int lane) {
            if (lane >= at.part.count) return;
            index_t const c = at.part.first + lane;
            op::load_rates(warp.of(rates, lane).v, p.log_rate.row(c).data + b, p.states() - b);
            op::load_block(warp.of(behinds, lane).v, g.carry(at.sequence, at.k, c) + b, p.states() - b);
            again(at, c, b, warp.of(rates, lane).v, warp.of(states, lane));
        });
        for (index_t i = at.n - 1; i >= 0; --i) {
            typename Warp::template of_lanes<pack<C, 32>> shares;
            typename Warp::template of_lanes<C>           all;
            warp.each([&](int lane) {
                auto& share = warp.of(shares, lane);
                for (int x = 0; x < 32; ++x) share[x] = C(0);
                if (lane < at.part.count)
                    token(at, i, at.part.first + lane, b, warp.of(rates, lane).v, warp.of(states, lane), warp.of(behinds, lane).v,
                          warp.of(totals, lane).v, warp.of(sums, lane), warp.of(skips, lane), share);
            });
            warp.sum_each(shares, all);
            warp.each([&](int lane) {
                index_t const s = b + lane % op::state_block;
                if (s < p.states())
                    g.selection_parts.data[((at.tile * p.input.rows + at.first + i) * 2 + lane / op::state_block) * p.states() + s] =
                        warp.of(all, lane);
            });
        }
        warp.each([&](int lane) {
            if (lane < at.part.count)
                op::store_block(warp.of(totals, lane).v, g.carry(at.sequence, at.k, at.part.first + lane) + b, p.states() - b);
        });
    }
    MT_HOST_DEVICE void again(scan_place<T> const& at, index_t c, index_t b, C const (&rate)[op::state_block], chunk_states& states) const {
        auto const& p = g.forward;
        C           h[op::state_block], written[op::state_block];
        op::load_block(h, p.kept_before(at.sequence, at.k, c) + b, at.k == 0 ? 0 : p.states() - b);
        for (index_t s = 0; s < op::state_block; ++s) states.v[0][s] = h[s];
        for (index_t i = 0; i < at.n; ++i) {
            C const d = at.step(i, c), in = d * C(p.input(at.first + i, c)), stay = at.stays(i);
            at.written(written, i, b);
            for (index_t s = 0; s < op::state_block; ++s) {
                h[s]               = stay * exponential(d * rate[s]) * h[s] + in * written[s];
                states.v[i + 1][s] = h[s];
            }
        }
    }
    MT_HOST_DEVICE void token(scan_place<T> const& at, index_t i, index_t c, index_t b, C const (&rate)[op::state_block],
                              chunk_states const& states, C (&behind)[op::state_block], C (&total)[op::state_block], by_token& sums,
                              C& skipped, pack<C, 32>& shares) const {
        auto const&   p     = g.forward;
        index_t const t     = at.first + i;
        C const       u     = C(p.input(t, c)), z = C(p.gate(t, c)), dy = C(g.output_gradient(t, c)), skip = p.skip.data[c];
        C const       raw = C(p.step(t, c)) + p.bias.data[c], d = softplus(raw), in = d * u, l = logistic(z), dout = dy * z * l,
                stay = at.stays(i);
        bool const    begins = b == 0, ends = b + op::state_block >= p.states();
        C             written[op::state_block], read[op::state_block];
        C             of_step = begins ? C(0) : sums.of_step[i], of_written = begins ? C(0) : sums.of_written[i],
          seen = begins ? skip * u : sums.seen[i];
        at.written(written, i, b);
        at.read(read, i, b);
        for (index_t s = 0; s < op::state_block; ++s) {
            C const h = states.v[i + 1][s], dh = behind[s] + dout * read[s], on = dh * stay * exponential(d * rate[s]),
                    e = on * states.v[i][s] * rate[s];
            seen += read[s] * h;
            of_written += dh * written[s];
            of_step += e;
            total[s] += e * d;
            behind[s]                   = on;
            shares[s]                   = dh * in;
            shares[op::state_block + s] = h * dout;
        }
        if (begins) skipped += dout * u;
        if (!ends) {
            sums.of_step[i] = of_step, sums.of_written[i] = of_written, sums.seen[i] = seen;
            return;
        }
        g.gate_gradient(t, c)  = T(dy * seen * l * (C(1) + z * (C(1) - l)));
        g.step_gradient(t, c)  = T((of_step + u * of_written) * logistic(raw));
        g.input_gradient(t, c) = T(skip * dout + d * of_written);
    }
};

template <class Device, class Warps, class T>
void scan_by_chunks(Device& device, Warps warps, selective_scan_gradient_problem<T> const& g) {
    using C             = computed_t<T>;
    auto const&   p     = g.forward;
    index_t const tasks = scan_place<T>::tasks(p), parts = p.sequences * p.chunks(), rates = p.channels() * p.states();
    scan_gradient_carry<T> const carry{g};
    warps(tasks, scan_gradient_ends<T>{g});
    device.elements(carry.elements(), carry);
    warps(tasks, scan_gradients<T>{g});
    device.rows(p.input.rows, op::selective_scan_selection_backward<T>{g});
    device.rows(op::sum_of_parts<C>::teams(rates), op::sum_of_parts<C>{g.carries, rates, 0, g.log_rate_gradient.flat()});
    device.rows(op::sum_of_parts<C>::teams(p.channels()),
                op::sum_of_parts<C>{g.scratch.part(0, parts * p.channels()), p.channels(), 0, g.skip_gradient});
}

}  // namespace midtrain::inline MT_ABI::detail
