#pragma once
#include <algorithm>
#include <limits>
#include <type_traits>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/exec/host/lanes.hpp>
#include <midtrain/exec/host/longest_registers.hpp>
#include <midtrain/exec/host/op/attention_ranges.hpp>
#include <midtrain/exec/host/small_product.hpp>
#include <midtrain/exec/host/solo_team.hpp>
#include <midtrain/exec/host/thread_pool.hpp>
#include <midtrain/exec/host/thread_workspace.hpp>
#include <midtrain/problem/attention.hpp>

namespace midtrain::inline MT_ABI::detail {

/// Blocked attention with an online softmax (Milakov and Gimelshein 2018; Dao et al. 2022): tiles of 64 queries by 64 keys,
/// memory linear in length. Tasks write disjoint results, so which thread takes which changes no bit.
template <class T, class Modifier = unmodified, class Distance = as_they_stand>
class host_attention {
    using C                         = computed_t<T>;
    using problem                   = attention_problem<T, Modifier, Distance>;
    using gradient_problem          = attention_gradient_problem<T, Modifier>;
    static constexpr index_t tile     = attention_ranges::tile;
    static constexpr bool    modifies = !std::is_same_v<Modifier, unmodified>;

  public:
    explicit host_attention(thread_pool& pool) : pool_(pool) {}

    void forward(problem const& p) {
        panels const  packed(*this, p, false);
        index_t const tiles = (p.length + tile - 1) / tile;
        index_t const forms = p.distance.forms();
        each_task(p.sequences * p.heads * tiles, tile * (forms * p.head_size + p.values() + 2 * tile) + 2 * tile, [&](auto bytes, index_t k, C* scratch) {
            // The longest rows first: the tail of the work is then short.
            query_tile<bytes>(p, packed, k % (p.sequences * p.heads), tiles - 1 - k / (p.sequences * p.heads), scratch);
        });
    }

    void backward(gradient_problem const& g) {
        auto const&   p = g.forward;
        panels const  packed(*this, p, true);
        index_t const all = p.sequences * p.heads, rows = padded(p.length);
        attention_ranges const ranges(p);
        index_t const          parts = ranges.parts();
        C *const keys = workspace(3, ranges.shared(p, p.head_size)), *const values = workspace(4, ranges.shared(p, p.values()));
        C* const queries = workspace(6, parts > 1 ? parts * all * p.length * p.head_size : 0);
        each_task(all * parts, (rows + tile) * (p.head_size + p.values()) + rows * p.head_size + 2 * tile * tile + rows, [&](auto bytes, index_t k, C* scratch) {
            key_part<bytes>(g, packed, ranges, k / parts, ranges.first_key(k % parts), ranges.first_key(k % parts + 1), keys, values,
                            parts > 1 ? queries + k * p.length * p.head_size : nullptr, scratch);
        });
        if (!ranges.sums(p)) return;
        each_task(p.sequences * (rows / tile), 0, [&](auto, index_t k, C*) {
            index_t const first = k % (rows / tile) * tile;
            ranges.sum(g, k / (rows / tile), first, std::min(p.length, first + tile), queries, keys, values);
        });
    }

  private:
    static C*      workspace(int which, index_t n) { return thread_workspace<host_attention, C>(which, n); }
    static index_t padded(index_t length) { return (length + tile - 1) / tile * tile; }

    /// f(bytes of a register, k, scratch) for k in 0 .. n-1, on the thread that is free first. Each thread makes its scratch of `values` before
    /// it looks for a task: one that came too late for any in the first step has it all the same.
    template <class F>
    void each_task(index_t n, index_t values, F const& f) {
        pool_.deal([&](auto next) {
            C* const scratch = workspace(5, values);
            for (index_t k; (k = next()) < n;) in_longest_registers(f, k, scratch);
        });
    }

    /// Keys and values in the computed type, by (sequence, kv head): keys transposed for scores, values plain; for backward
    /// also keys plain and values transposed.
    struct panels {
        C *      key_t, *value, *other;
        index_t  columns;  // of the transposed panels: 16 more than tiles need, since rows a power of two apart share a set of the cache
        panels(host_attention& own, problem const& p, bool backward) : columns(padded(p.length) + 16) {
            index_t const each = columns * p.head_size, n = p.sequences * p.kv_heads, runs = columns / run;
            key_t = workspace(0, each * n * p.distance.key_forms()), value = workspace(1, columns * p.values() * n), other = workspace(2, backward ? each * n : 0);
            own.each_task(n * runs, 0, [&](auto bytes, index_t k, C*) { fill<bytes>(p, k / runs, k % runs * run, backward); });
        }
        static constexpr index_t run = 16;  // tokens of a task
        // Forward: value is (length, values). Backward: value is transposed and `other` holds the plain keys.
        template <int bytes>
        void fill(problem const& p, index_t k, index_t first, bool backward) const {
            index_t const s = k / p.kv_heads, kv = k % p.kv_heads, d = p.head_size, each = columns * d, dv = p.values();
            index_t const last = first + run, known = std::clamp(p.length, first, last);
            C *const v = value + k * columns * dv, *const plain = other + k * each;
            for (int form = 0; form < p.distance.key_forms(); ++form)
                transpose<bytes>(p, s, first, known, p.key_column(kv, form), d, key_t + (k * p.distance.key_forms() + form) * each);
            if (backward) transpose<bytes>(p, s, first, known, p.value_column(kv), dv, v);
            C* const      row_major = backward ? plain : v;
            index_t const column    = backward ? p.key_column(kv) : p.value_column(kv), size = backward ? d : dv;
            for (index_t t = first; t < known; ++t) take(&p.qkv(s * p.length + t, column), size, C(1), row_major + t * size);
            std::fill(row_major + known * size, row_major + last * size, C(0));
        }
        // A run's tokens first .. known-1, and zeros for the rest of it: from `size` columns beside each other to as many rows.
        template <int bytes>
        void transpose(problem const& p, index_t s, index_t first, index_t known, index_t column, index_t size, C* to) const {
            constexpr int square = bytes / sizeof(C);
            index_t const whole  = known == first + run ? size / square * square : 0;
            for (index_t i = 0; i < whole; i += square)
                for (index_t t = first; t < known; t += square) {
                    lanes_t<C, square> v[square];
                    MT_UNROLL(16)
                    for (int x = 0; x < square; ++x) load_lanes<square>(&p.qkv(s * p.length + t + x, column + i), v[x]);
                    transpose_lanes(v);
                    MT_UNROLL(16)
                    for (int x = 0; x < square; ++x) store_lanes<square, C>(v[x], to + (i + x) * columns + t);
                }
            for (index_t i = whole; i < size; ++i)
                for (index_t t = first; t < first + run; ++t) to[i * columns + t] = t < known ? C(p.qkv(s * p.length + t, column + i)) : C(0);
        }
    };

    /// to = factor * from, `n` values.
    template <class From, class To>
    static void take(From const* from, index_t n, C factor, To* to) {
        solo_team{}.each(n, [=](index_t i) { to[i] = To(C(from[i]) * factor); });
    }

    /// Row r of a score tile: masked, turned to probabilities against `top`, and summed.
    static void mask(C* row, index_t first_key, index_t begin, index_t last) {
        for (index_t j = 0; j < tile; ++j)
            row[j] = first_key + j >= begin && first_key + j <= last ? row[j] : -std::numeric_limits<C>::infinity();
    }

    template <int bytes>
    static void query_tile(problem const& p, panels const& packed, index_t which, index_t q, C* query) {
        index_t const s = which / p.heads, head = which % p.heads, d = p.head_size, dv = p.values(), base = s * p.length;
        index_t const first = q * tile, n = std::min(tile, p.length - first);
        index_t const each = packed.columns * d, kv = s * p.kv_heads + head / p.group();
        C const* const keys = packed.key_t + kv * p.distance.key_forms() * each;
        C *const out = query + p.distance.forms() * tile * d, *const score = out + tile * dv, *const spare = score + tile * tile;
        C *const top = spare + tile * tile, *const total = top + tile;
        index_t  begin = first;
        for (index_t r = 0; r < n; ++r) {
            for (int f = 0; f < p.distance.forms(); ++f)
                take(&p.qkv(base + first + r, p.query_column(head, f)), d, p.scale, query + (f * tile + r) * d);
            begin    = std::min<index_t>(begin, p.first(base + first + r));
            top[r]   = -std::numeric_limits<C>::infinity();
            total[r] = C(0);
        }
        std::fill_n(out, tile * dv, C(0));
        for (index_t key = begin / tile * tile; key <= first + n - 1; key += tile) {
            score_tile<bytes>(p, base, first, n, query, keys, packed.columns, key, score, spare);
            for (index_t r = 0; r < n; ++r) {
                modify(p, head, base + first + r, first + r - key, score + r * tile);
                absorb(score + r * tile, out + r * dv, dv, top[r], total[r], key, p.first(base + first + r), first + r);
            }
            small_product<bytes>(n, dv, tile, score, tile, 1, packed.value + (kv * packed.columns + key) * dv, dv, out, dv, true);
        }
        for (index_t r = 0; r < n; ++r) {
            take(out + r * dv, dv, C(1) / total[r], &p.output(base + first + r, p.output_column(head)));
            p.log_sum(head, base + first + r) = top[r] + logarithm(total[r]);
        }
    }

    /// Products of n queries and a tile of keys. With a distance each form that some query sees some of the keys in makes its product, and
    /// gives each row what it sees in that form.
    template <int bytes>
    static void score_tile(problem const& p, index_t base, index_t first, index_t n, C const* query, C const* keys, index_t columns,
                           index_t key, C* score, C* spare) {
        index_t const d = p.head_size;
        auto const    product = [&](int f, C* to) {
            C const* const form = keys + p.distance.key_form(f) * columns * d + key;
            small_product<bytes>(n, tile, d, query + f * tile * d, d, 1, form, columns, to, tile, false);
        };
        if constexpr (std::is_same_v<Distance, as_they_stand>) return product(0, score);
        int const last = p.distance.forms() - 1;
        // The tile's first key that row r sees in form f or a nearer one.
        auto const begin = [&](int f, index_t r) -> index_t {
            if (f < 0) return tile;
            if (f == last) return 0;
            index_t const at = p.place(base + first + r), back = at - p.distance.first_key(f, at);
            return std::clamp<index_t>(first + r - back - key, 0, tile);
        };
        for (int f = 0; f <= last; ++f) {
            bool some = false, all = true;
            for (index_t r = 0; r < n; ++r) {
                some |= begin(f, r) < begin(f - 1, r);
                all &= begin(f, r) == 0 && begin(f - 1, r) == tile;
            }
            if (all) return product(f, score);
            if (!some) continue;
            product(f, spare);
            for (index_t r = 0; r < n; ++r)
                std::copy(spare + r * tile + begin(f, r), spare + r * tile + begin(f - 1, r), score + r * tile + begin(f, r));
        }
    }

    /// Row r of a score tile as the modifier wants it; `back`: how far before the query the tile's first key stands.
    static void modify(problem const& p, index_t head, index_t token, index_t back, C* row) {
        if constexpr (modifies) {
            auto const rows = p.scores(token, head);
            solo_team{}.each(tile, [=](index_t j) { row[j] = rows.score(row[j], back - j); });
        }
    }

    /// One more tile of scores for a row: probabilities against the new maximum, what came before scaled down to it.
    static void absorb(C* row, C* out, index_t d, C& top, C& total, index_t key, index_t begin, index_t last) {
        if (key < begin || key + tile - 1 > last) mask(row, key, begin, last);
        solo_team const team;
        C const high = std::max(top, team.reduce(tile, largest{}, [=](index_t j) { return row[j]; }));
        if (high == -std::numeric_limits<C>::infinity()) {
            std::fill_n(row, tile, C(0));
            return;
        }
        team.each(tile, [=](index_t j) { row[j] = exponential(row[j] - high); });
        C const fresh = team.reduce(tile, sum{}, [=](index_t j) { return row[j]; });
        if (high != top) {
            C const shrink = exponential(top - high);
            total *= shrink;
            team.each(d, [=](index_t i) { out[i] *= shrink; });
            top = high;
        }
        total += fresh;
    }

    /// Backward of one head of one sequence for a range of keys: key tiles outside, query tiles inside; its share of the keys' and values'
    /// gradient goes to buffers of its own, the queries' gradient is gathered in float and written at the end, or left in `shared`, if there is one, to be summed.
    template <int bytes>
    static void key_part(gradient_problem const& g, panels const& packed, attention_ranges const& ranges, index_t which, index_t begins, index_t ends, C* keys,
                         C* values, C* shared, C* query) {
        auto const&   p = g.forward;
        index_t const s = which / p.heads, head = which % p.heads, d = p.head_size, size = p.values(), base = s * p.length, length = p.length;
        index_t const each = packed.columns * d, kv = s * p.kv_heads + head / p.group(), column = p.query_column(head);
        index_t const rows = padded(length);
        C *const slope = query + rows * d, *const own = slope + rows * size, *const gradient = shared ? shared : own;
        C *const score = own + rows * d, *const along = score + tile * tile, *const dk = along + tile * tile, *const dv = dk + tile * d;
        C* const dot = dv + tile * size;
        for (index_t t = begins; t < length; ++t) {
            C* const       row = slope + t * size;
            T const* const out = &p.output(base + t, p.output_column(head));
            take(&p.qkv(base + t, column), d, C(1), query + t * d);
            take(&g.output_gradient(base + t, p.output_column(head)), size, C(1), row);
            dot[t] = solo_team{}.reduce(size, sum{}, [=](index_t i) { return row[i] * C(out[i]); });
        }
        std::fill(gradient + begins * d, gradient + length * d, C(0));
        for (index_t key = begins; key < ends; key += tile) {
            index_t const m = std::min(tile, length - key);
            std::fill_n(dk, tile * (d + size), C(0));
            for (index_t first = key; first < length; first += tile) {
                index_t const n = std::min(tile, length - first);
                index_t       begin = length;
                for (index_t r = 0; r < n; ++r) begin = std::min<index_t>(begin, p.first(base + first + r));
                if (begin > key + m - 1) continue;
                small_product<bytes>(n, tile, d, query + first * d, d, 1, packed.key_t + kv * each + key, packed.columns, score, tile, false);
                small_product<bytes>(n, tile, size, slope + first * size, size, 1, packed.value + kv * packed.columns * size + key, packed.columns,
                                     along, tile, false);
                for (index_t r = 0; r < n; ++r)
                    slopes(p, head, base + first + r, first + r, key, dot[first + r], score + r * tile, along + r * tile);
                small_product<bytes>(m, size, n, score, 1, tile, slope + first * size, size, dv, size, true);
                small_product<bytes>(m, d, n, along, 1, tile, query + first * d, d, dk, d, true);
                small_product<bytes>(n, d, tile, along, tile, 1, packed.other + kv * each + key * d, d, gradient + first * d, d, true);
            }
            ranges.leave(g, which, key, m, p.key_column(head / p.group()), d, dk, d, keys);
            ranges.leave(g, which, key, m, p.value_column(head / p.group()), size, dv, size, values);
        }
        for (index_t t = 0; !shared && t < length; ++t) take(gradient + t * d, d, C(1), &g.qkv_gradient(base + t, column));
    }

    /// From raw scores and sum(dO * v): the probabilities, and the gradient of the scaled scores.
    static void slopes(problem const& p, index_t head, index_t token, index_t last, index_t key, C dot, C* score,
                       C* along) {
        index_t const begin = p.first(token);
        C const       scale = p.scale, log_sum = p.log_sum(head, token);
        if constexpr (modifies) {
            auto const rows = p.scores(token, head);
            solo_team{}.each(tile, [=](index_t j) { along[j] = (along[j] - dot) * rows.slope(score[j] * scale, last - key - j); });
            solo_team{}.each(tile, [=](index_t j) { score[j] = rows.score(score[j] * scale, last - key - j) - log_sum; });
        } else solo_team{}.each(tile, [=](index_t j) { score[j] = score[j] * scale - log_sum; });
        if (key < begin || key + tile - 1 > last) mask(score, key, begin, last);
        solo_team{}.each(tile, [=](index_t j) {
            C const probability = exponential(score[j]);
            score[j]            = probability;
            along[j]            = probability * (modifies ? along[j] : along[j] - dot) * scale;
        });
    }

    thread_pool& pool_;
};

}  // namespace midtrain::inline MT_ABI::detail
