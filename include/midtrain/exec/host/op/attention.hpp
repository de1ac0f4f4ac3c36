#pragma once
#include <algorithm>
#include <limits>
#include <type_traits>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/exec/host/longest_registers.hpp>
#include <midtrain/exec/host/op/attention_panels.hpp>
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
    using C                           = computed_t<T>;
    using problem                     = attention_problem<T, Modifier, Distance>;
    using gradient_problem            = attention_gradient_problem<T, Modifier>;
    using panels                      = attention_panels<T, problem>;
    static constexpr index_t tile     = attention_ranges::tile;
    static constexpr index_t strip    = tile / 2;  // rows of a tile on the diagonal that are taken together
    static constexpr bool    modifies = !std::is_same_v<Modifier, unmodified>;

  public:
    explicit host_attention(thread_pool& pool) : pool_(pool) {}

    void forward(problem const& p) {
        panels const  packed(p, false, [this](auto... a) { this->each_task(a...); });
        index_t const tiles = (p.length + tile - 1) / tile;
        index_t const forms = p.distance.forms();
        each_task(p.sequences * p.heads * tiles, tile * (forms * p.head_size + p.values() + 2 * tile) + 2 * tile, [&](auto bytes, index_t k, C* scratch) {
            // The longest rows first: the tail of the work is then short.
            query_tile<bytes>(p, packed, k % (p.sequences * p.heads), tiles - 1 - k / (p.sequences * p.heads), scratch);
        });
    }

    void backward(gradient_problem const& g) {
        auto const&   p = g.forward;
        panels const  packed(p, true, [this](auto... a) { this->each_task(a...); });
        index_t const all = p.sequences * p.heads, rows = attention_ranges::padded(p.length);
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
    static C* workspace(int which, index_t n) { return thread_workspace<host_attention, C>(which, n); }

    /// f(bytes of a register, k, scratch) for k in 0 .. n-1, on the thread that is free first. Each thread makes its scratch of `values` before
    /// it looks for a task: one that came too late for any in the first step has it all the same.
    template <class F>
    void each_task(index_t n, index_t values, F const& f) {
        pool_.deal([&](auto next) {
            C* const scratch = workspace(5, values);
            for (index_t k; (k = next()) < n;) in_longest_registers(f, k, scratch);
        });
    }

    /// Rows of a tile that are taken together, whose keys begin `ahead` before its queries.
    static constexpr index_t step_of(index_t ahead) { return ahead > 0 || !std::is_same_v<Distance, as_they_stand> ? tile : strip; }
    /// f(first row, rows, keys) for the rows of a tile of n queries, `ahead` of the tile's keys, and how many of these they see: all of them, or by strips
    /// where the tile lies on the diagonal, above which there is nothing to see. One call of f in one place: with two, g++ makes slower code of its products.
    template <class F>
    static void by_strips(index_t n, index_t ahead, F const& f) {
        index_t const step = step_of(ahead);
        for (index_t r = 0; r < n; r += step) f(r, std::min(step, n - r), r + step);
    }
    /// f(keys) with them as a constant.
    template <class F>
    static void with_constant(index_t keys, F const& f) {
        if (keys == tile) f(std::integral_constant<index_t, tile>{});
        else f(std::integral_constant<index_t, strip>{});
    }

    /// `n` scores of a row: minus infinity for keys that the query does not see.
    template <class N>
    static void mask(C* row, N n, index_t first_key, index_t begin, index_t last) {
        if (first_key >= begin && first_key + n - 1 <= last) return;
        for (index_t j = 0; j < n; ++j)
            row[j] = first_key + j >= begin && first_key + j <= last ? row[j] : -std::numeric_limits<C>::infinity();
    }

    template <int bytes>
    static void query_tile(problem const& p, panels const& packed, index_t which, index_t q, C* query) {
        index_t const s = which / p.heads, head = which % p.heads, d = p.head_size, dv = p.values(), base = s * p.length;
        index_t const first = q * tile, n = std::min(tile, p.length - first);
        index_t const each = packed.columns * d, kv = s * p.kv_heads + head / p.group();
        C const* const keys   = packed.key_t + kv * p.distance.key_forms() * each;
        auto const     values = packed.rows(p, kv);
        C *const out = query + p.distance.forms() * tile * d, *const score = out + tile * dv, *const spare = score + tile * tile;
        C *const top = spare + tile * tile, *const total = top + tile;
        index_t  begin = first;
        for (index_t r = 0; r < n; ++r) {
            for (int f = 0; f < p.distance.forms(); ++f)
                take_values(&p.qkv(base + first + r, p.query_column(head, f)), d, p.scale, query + (f * tile + r) * d);
            begin    = std::min<index_t>(begin, p.first(base + first + r));
            top[r]   = -std::numeric_limits<C>::infinity();
            total[r] = C(0);
        }
        std::fill_n(out, tile * dv, C(0));
        for (index_t key = begin / tile * tile; key <= first + n - 1; key += tile) {
            by_strips(n, first - key, [&](index_t from, index_t many, index_t seen) {
                C* const own = score + from * tile;
                if constexpr (std::is_same_v<Distance, as_they_stand>)
                    small_product<bytes>(many, seen, d, query + from * d, d, 1, keys + key, packed.columns, own, tile, false);
                else score_tile<bytes>(p, base, first, n, query, keys, packed.columns, key, score, spare);
                with_constant(seen, [&](auto keys_seen) {
                    for (index_t r = from; r < from + many; ++r) {
                        modify(p, head, base + first + r, keys_seen, first + r - key, score + r * tile);
                        absorb(score + r * tile, keys_seen, out + r * dv, dv, top[r], total[r], key, p.first(base + first + r), first + r);
                    }
                });
                small_product<bytes>(many, dv, std::min(seen, p.length - key), own, tile, 1, values(key), values.stride, out + from * dv, dv, true);
            });
        }
        for (index_t r = 0; r < n; ++r) {
            take_values(out + r * dv, dv, C(1) / total[r], &p.output(base + first + r, p.output_column(head)));
            p.log_sum(head, base + first + r) = top[r] + logarithm(total[r]);
        }
    }

    /// Products of n queries and a tile of keys, with a distance: each form that some query sees some of the keys in makes its product, and
    /// gives each row what it sees in that form.
    template <int bytes>
    static void score_tile(problem const& p, index_t base, index_t first, index_t n, C const* query, C const* keys, index_t columns,
                           index_t key, C* score, C* spare) {
        index_t const d = p.head_size;
        auto const    product = [&](int f, C* to) {
            C const* const form = keys + p.distance.key_form(f) * columns * d + key;
            small_product<bytes>(n, tile, d, query + f * tile * d, d, 1, form, columns, to, tile, false);
        };
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

    /// `n` scores of a row as the modifier wants them; `back`: how far before the query the tile's first key stands.
    template <class N>
    static void modify(problem const& p, index_t head, index_t token, N n, index_t back, C* row) {
        if constexpr (modifies) {
            auto const rows = p.scores(token, head);
            solo_team{}.each(n, [=](index_t j) { row[j] = rows.score(row[j], back - j); });
        }
    }

    /// `n` more scores for a row: masked, turned to probabilities against the new maximum, what came before scaled down to it.
    template <class N>
    static void absorb(C* row, N n, C* out, index_t d, C& top, C& total, index_t key, index_t begin, index_t last) {
        mask(row, n, key, begin, last);
        solo_team const team;
        C const high = std::max(top, team.reduce(n, largest{}, [=](index_t j) { return row[j]; }));
        if (high == -std::numeric_limits<C>::infinity()) {
            std::fill_n(row, n, C(0));
            return;
        }
        team.each(n, [=](index_t j) { row[j] = exponential(row[j] - high); });
        C const fresh = team.reduce(n, sum{}, [=](index_t j) { return row[j]; });
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
        index_t const rows = attention_ranges::padded(length);
        C *const slopes_copy = query + rows * d, *const own = slopes_copy + rows * size, *const gradient = shared ? shared : own;
        C *const score = own + rows * d, *const along = score + tile * tile, *const dk = along + tile * tile, *const dv = dk + tile * d;
        C* const dot = dv + tile * size;
        bool const in_place = panels::in_place(p);
        auto const queries  = token_rows<C>::of(in_place, p.qkv, base, column, d, begins, length, query);
        auto const slope    = token_rows<C>::of(in_place, g.output_gradient, base, p.output_column(head), size, begins, length, slopes_copy);
        auto const plain    = packed.rows(p, kv);
        for (index_t t = begins; t < length; ++t) {
            T const* const out = &p.output(base + t, p.output_column(head));
            dot[t] = solo_team{}.reduce(size, sum{}, [row = slope(t), out](index_t i) { return row[i] * C(out[i]); });
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
                by_strips(n, first - key, [&](index_t from, index_t many, index_t seen) {
                    C *const       own_score = score + from * tile, *const own_along = along + from * tile;
                    C const *const keys_t = packed.key_t + kv * each + key, *const values_t = packed.value_t + kv * packed.columns * size + key;
                    small_product<bytes>(many, seen, d, queries(first + from), queries.stride, 1, keys_t, packed.columns, own_score, tile, false);
                    small_product<bytes>(many, seen, size, slope(first + from), slope.stride, 1, values_t, packed.columns, own_along, tile, false);
                    with_constant(seen, [&](auto keys_seen) {
                        for (index_t r = from; r < from + many; ++r)
                            slopes(p, head, base + first + r, keys_seen, first + r, key, dot[first + r], score + r * tile, along + r * tile);
                    });
                    small_product<bytes>(many, d, std::min(seen, m), own_along, tile, 1, plain(key), plain.stride, gradient + (first + from) * d, d, true);
                });
                index_t const step = step_of(first - key);
                for (index_t j = 0; j < m; j += step) {  // keys, and on the diagonal the queries from theirs on
                    index_t const behind = first > key ? 0 : j, many = std::min(step, m - j), at = behind * tile + j;
                    small_product<bytes>(many, size, n - behind, score + at, 1, tile, slope(first + behind), slope.stride, dv + j * size, size, true);
                    small_product<bytes>(many, d, n - behind, along + at, 1, tile, queries(first + behind), queries.stride, dk + j * d, d, true);
                }
            }
            ranges.leave(g, which, key, m, p.key_column(head / p.group()), d, dk, d, keys);
            ranges.leave(g, which, key, m, p.value_column(head / p.group()), size, dv, size, values);
        }
        for (index_t t = 0; !shared && t < length; ++t) take_values(gradient + t * d, d, C(1), &g.qkv_gradient(base + t, column));
    }

    /// From `n` raw scores and sum(dO * v): the probabilities, and the gradient of the scaled scores.
    template <class N>
    static void slopes(problem const& p, index_t head, index_t token, N n, index_t last, index_t key, C dot, C* score, C* along) {
        C const scale = p.scale, log_sum = p.log_sum(head, token);
        if constexpr (modifies) {
            auto const rows = p.scores(token, head);
            solo_team{}.each(n, [=](index_t j) { along[j] = (along[j] - dot) * rows.slope(score[j] * scale, last - key - j); });
            solo_team{}.each(n, [=](index_t j) { score[j] = rows.score(score[j] * scale, last - key - j) - log_sum; });
        } else solo_team{}.each(n, [=](index_t j) { score[j] = score[j] * scale - log_sum; });
        mask(score, n, key, p.first(token), last);
        solo_team{}.each(n, [=](index_t j) {
            C const probability = exponential(score[j]);
            score[j]            = probability;
            along[j]            = probability * (modifies ? along[j] : along[j] - dot) * scale;
        });
    }

    thread_pool& pool_;
};

}  // namespace midtrain::inline MT_ABI::detail
