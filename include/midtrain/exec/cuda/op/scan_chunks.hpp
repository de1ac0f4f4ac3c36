#pragma once
#include <midtrain/core/pack.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/op/state_block.hpp>
#include <midtrain/problem/selective_scan.hpp>

// The selective scan with all chunks of 32 tokens at once: what a chunk makes of a state is decay * state + end, and such pairs combine
// (Gu and Dao 2023, section 3.3). Each chunk's end from nothing first, then the states before all chunks one after the other, then each
// chunk from its own. A lane has a channel, and 16 of its states at a time in registers. Of a `Warp` (tile_math.hpp) they use
//   sum_each(v, to)   to of lane l is the sum over all lanes of v[l], in one order; v is lost
// Floor, of a GPU: the exponentials, one a state and token in each pass over it; or input, step, gate and output once.
namespace midtrain::inline MT_ABI::detail {

template <class C>
struct state_values {
    C v[op::state_block];
};

/// Where a warp works: a chunk of a tile of a sequence.
template <class T>
struct scan_place {
    using C                    = computed_t<T>;
    static constexpr index_t K = selective_scan_problem<T>::chunk;

    selective_scan_problem<T>                p;
    index_t                                  sequence, tile, k, n, first;  // tokens first .. first + n - 1
    typename selective_scan_problem<T>::part part;

    MT_HOST_DEVICE scan_place(selective_scan_problem<T> const& problem, index_t task)
        : p(problem), sequence(task / (p.chunks() * p.tiles())), tile(task % p.tiles()), k(task / p.tiles() % p.chunks()),
          n(p.length - k * K < K ? p.length - k * K : K), first(sequence * p.length + k * K), part(p.part_of(tile)) {}

    MT_HOST_DEVICE static index_t tasks(selective_scan_problem<T> const& p) { return p.sequences * p.tiles() * p.chunks(); }
    MT_HOST_DEVICE C stays(index_t i) const { return p.starts(sequence, k * K + i) ? C(0) : C(1); }
    MT_HOST_DEVICE C step(index_t i, index_t c) const { return softplus(C(p.step(first + i, c)) + p.bias.data[c]); }
    /// B and C of token i, for states b and the fifteen behind it.
    MT_HOST_DEVICE void written(C (&v)[op::state_block], index_t i, index_t b) const { load(v, p.written_column(part.head) + b, i, b); }
    MT_HOST_DEVICE void read(C (&v)[op::state_block], index_t i, index_t b) const { load(v, p.read_column(part.head) + b, i, b); }

  private:
    MT_HOST_DEVICE void load(C (&v)[op::state_block], index_t column, index_t i, index_t b) const {
        T const* const from = &p.selection(first + i, column);
        if (p.states() - b >= op::state_block && aligned_for_packs<op::state_block>(from)) {
            auto const all = load_values<op::state_block>(from);
            for (index_t s = 0; s < op::state_block; ++s) v[s] = all[s];
        } else {
            op::load_block(v, from, p.states() - b);
        }
    }
};

/// Each chunk's end from nothing, where the states before the next chunk will be, and in scratch (sequences, chunks, channels) the sum
/// of its steps, or -1 where a document starts within.
template <class T>
struct scan_ends {
    selective_scan_problem<T> p;

    template <class Warp>
    MT_HOST_DEVICE void operator()(Warp const& warp, index_t task) const {
        using C = computed_t<T>;
        scan_place<T> const at(p, task);
        if (at.k + 1 == p.chunks()) return;
        warp.each([&](int lane) {
            if (lane >= at.part.count) return;
            index_t const c = at.part.first + lane;
            C             steps = 0;
            for (index_t b = 0; b < p.states(); b += op::state_block) {
                C rate[op::state_block], h[op::state_block] = {}, written[op::state_block];
                op::load_rates(rate, p.log_rate.row(c).data + b, p.states() - b);
                steps = 0;
                for (index_t i = 0; i < at.n; ++i) {
                    C const d = at.step(i, c), in = d * C(p.input(at.first + i, c)), stay = at.stays(i);
                    at.written(written, i, b);
                    for (index_t s = 0; s < op::state_block; ++s) h[s] = stay * exponential(d * rate[s]) * h[s] + in * written[s];
                    steps = stay == C(0) || steps < C(0) ? C(-1) : steps + d;
                }
                op::store_block(h, p.kept_before(at.sequence, at.k + 1, c) + b, p.states() - b);
            }
            p.scratch.data[(at.sequence * p.chunks() + at.k) * p.channels() + c] = steps;
        });
    }
};

/// From the ends the states before each chunk. A state of a channel of a sequence each.
template <class T>
struct scan_carry {
    selective_scan_problem<T> p;

    index_t elements() const { return p.sequences * p.channels() * p.states(); }

    MT_HOST_DEVICE void operator()(index_t i) const {
        using C              = computed_t<T>;
        index_t const of     = p.channels() * p.states(), sequence = i / of, c = i % of / p.states(), s = i % p.states();
        C const       rate   = -exponential(p.log_rate(c, s));
        C             h      = 0;
        for (index_t k = 0; k + 1 < p.chunks(); ++k) {
            C const steps = p.scratch.data[(sequence * p.chunks() + k) * p.channels() + c];
            C&      next  = p.kept_before(sequence, k + 1, c)[s];
            h             = (steps < C(0) ? C(0) : exponential(rate * steps)) * h + next;
            next          = h;
        }
    }
};

/// Each chunk's outputs from the states before it.
template <class T>
struct scan_outputs {
    selective_scan_problem<T> p;

    template <class Warp>
    MT_HOST_DEVICE void operator()(Warp const& warp, index_t task) const {
        using C = computed_t<T>;
        scan_place<T> const at(p, task);
        warp.each([&](int lane) {
            if (lane >= at.part.count) return;
            index_t const c = at.part.first + lane;
            C const       skip = p.skip.data[c];
            C             seen[scan_place<T>::K];  // by blocks of states that are done
            for (index_t b = 0; b < p.states(); b += op::state_block) {
                C rate[op::state_block], h[op::state_block], written[op::state_block], read[op::state_block];
                op::load_rates(rate, p.log_rate.row(c).data + b, p.states() - b);
                op::load_block(h, p.kept_before(at.sequence, at.k, c) + b, at.k == 0 ? 0 : p.states() - b);
                bool const last = b + op::state_block >= p.states();
                for (index_t i = 0; i < at.n; ++i) {
                    C const u = C(p.input(at.first + i, c)), d = at.step(i, c), in = d * u, stay = at.stays(i);
                    at.written(written, i, b);
                    at.read(read, i, b);
                    for (index_t s = 0; s < op::state_block; ++s) {
                        h[s] = stay * exponential(d * rate[s]) * h[s] + in * written[s];
                        read[s] *= h[s];
                    }
                    C const all = (b == 0 ? skip * u : seen[i]) + op::sum_of_block(read), z = C(p.gate(at.first + i, c));
                    if (last) p.output(at.first + i, c) = T(all * z * logistic(z));
                    else seen[i] = all;
                }
            }
        });
    }
};

/// warps(n, f) does f(warp, i) for each i in 0 .. n - 1.
template <class Device, class Warps, class T>
void scan_by_chunks(Device& device, Warps warps, selective_scan_problem<T> const& p) {
    index_t const tasks = scan_place<T>::tasks(p);
    scan_carry<T> const carry{p};
    warps(tasks, scan_ends<T>{p});
    device.elements(carry.elements(), carry);
    warps(tasks, scan_outputs<T>{p});
}

}  // namespace midtrain::inline MT_ABI::detail
