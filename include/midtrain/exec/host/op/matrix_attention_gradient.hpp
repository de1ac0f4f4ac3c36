#pragma once
#include <algorithm>
#include <utility>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/exec/host/op/attention_ranges.hpp>
#include <midtrain/exec/host/op/matrix_attention_parts.hpp>
#include <midtrain/exec/host/op/seen_keys.hpp>
#include <midtrain/exec/host/power_of_two.hpp>
#include <midtrain/exec/host/solo_team.hpp>
#include <midtrain/problem/attention.hpp>

namespace midtrain::inline MT_ABI::detail {

/// Backward of matrix_attention, for a range of a head's keys.
template <class Units>
class matrix_attention_gradient : matrix_attention_parts<Units> {
    using common           = matrix_attention_parts<Units>;
    using problem          = attention_problem<bf16>;
    using gradient_problem = attention_gradient_problem<bf16>;
    using typename common::blocks, typename common::V, typename common::square;
    using common::tile, common::two, common::hidden, common::log2_e, common::zeros, common::pair_of, common::vector_at, common::store_line, common::store_pairs, common::transposed;

  public:
    /// What it needs: of operands and of sums, so many values.
    struct range_memory {
        index_t d, dv, rows;
        bf16 *  query_lines, *query_terms, *slope_lines, *slope_terms;  // operands: of pairs of tiles of queries, for scores and for gradients
        bf16 *  key_lines, *key_terms, *value_lines;                    // of a tile of keys
        bf16 *  chances, *slopes, *slope_pairs;                         // of it by a pair of tiles of queries, and by one of them
        float * gradient, *dot, *log_sum, *dk, *dvs;                    // sums: of all queries, and of the tile of keys

        explicit range_memory(problem const& p)
            : d(blocks::whole(p.head_size)), dv(blocks::whole(p.values())), rows((p.length + tile - 1) / tile * tile) {}
        index_t operands() const { return 2 * (rows + tile) * (d + dv) + 5 * tile * tile; }
        index_t sums() const { return rows * (d + 2) + tile * (d + dv); }

        MT_INLINE range_memory at(bf16* operand, float* sum) const {
            range_memory m      = *this;
            auto const   values = [](auto*& from, index_t n) { return std::exchange(from, from + n); };
            for (bf16** x : {&m.query_lines, &m.query_terms}) *x = values(operand, rows * d);
            for (bf16** x : {&m.slope_lines, &m.slope_terms}) *x = values(operand, rows * dv);
            for (bf16** x : {&m.key_lines, &m.key_terms}) *x = values(operand, tile * d);
            m.value_lines = values(operand, tile * dv);
            for (bf16** x : {&m.chances, &m.slopes}) *x = values(operand, tile * two);
            m.slope_pairs = operand;
            m.gradient    = values(sum, rows * d);
            for (float** x : {&m.dot, &m.log_sum}) *x = values(sum, rows);
            m.dk = values(sum, tile * d), m.dvs = sum;
            return m;
        }
    };

    /// Backward of one head of one sequence for the part-th range of keys: key tiles outside, query tiles inside, two at a time, so that the keys' and values'
    /// gradient is loaded and stored half as often. The queries' gradient is gathered in float and written at the end, to `shared`, if there is one, to be summed.
    MT_INLINE static void key_range(gradient_problem const& g, attention_ranges const& ranges, index_t which, index_t part, float* keys, float* values, float* shared,
                                    range_memory const& m) {
        auto const&   p = g.forward;
        index_t const head = which % p.heads, length = p.length, base = which / p.heads * length, size = p.head_size, wide = p.values(), d = m.d, dv = m.dv;
        index_t const begins = ranges.first_key(part), ends = ranges.first_key(part + 1);
        std::fill(m.gradient + begins * d, m.gradient + m.rows * d, 0.0f);
        for (index_t first = begins; first < length; first += two) {
            index_t const     n = std::min(two, length - first), all = pair_of(length - first);
            bf16 const* const query = &p.qkv(base + first, p.query_column(head)), *const slope = &g.output_gradient(base + first, p.output_column(head));
            blocks::template pack_all<false>(true, query, p.qkv.stride, n, size, all, d, m.query_lines + first * d);
            blocks::template pack_all<false>(false, query, p.qkv.stride, size, n, d, all, m.query_terms + first * d);
            blocks::template pack_all<false>(true, slope, g.output_gradient.stride, n, wide, all, dv, m.slope_lines + first * dv);
            blocks::template pack_all<false>(false, slope, g.output_gradient.stride, wide, n, dv, all, m.slope_terms + first * dv);
            for (index_t r = 0; r < all; ++r) {
                index_t const     t  = base + first + r;
                bf16 const* const to = r < n ? &g.output_gradient(t, p.output_column(head)) : nullptr, *const from = r < n ? &p.output(t, p.output_column(head)) : nullptr;
                m.dot[first + r]     = r < n ? solo_team{}.reduce(wide, sum{}, [=](index_t i) { return float(to[i]) * float(from[i]); }) : 0.0f;
                m.log_sum[first + r] = r < n ? float(p.log_sum(head, t)) * log2_e : 0.0f;
            }
        }
        for (index_t key = begins; key < ends; key += tile) {
            index_t const     n   = std::min(tile, length - key), kv = head / p.group();
            bf16 const* const own = &p.qkv(base + key, p.key_column(kv));
            blocks::template pack_all<true>(true, own, p.qkv.stride, n, size, tile, d, m.key_lines);
            blocks::template pack_all<true>(false, own, p.qkv.stride, size, n, d, tile, m.key_terms);
            blocks::template pack_all<true>(true, &p.qkv(base + key, p.value_column(kv)), p.qkv.stride, n, wide, tile, dv, m.value_lines);
            std::fill_n(m.dk, tile * (d + dv), 0.0f);
            for (index_t pair = begins + (key - begins) / two * two; pair < length; pair += two) {
                index_t const all = pair_of(length - pair);
                index_t       from = all, to = 0;  // queries of the pair that see a key
                for (index_t in_pair = std::max<index_t>(0, key - pair); in_pair < all; in_pair += tile) {
                    index_t const   first = pair + in_pair;
                    seen_keys const seen(p, base, first, std::min(tile, length - first));
                    if (seen.least > key + n - 1) continue;
                    from = std::min(from, in_pair), to = in_pair + tile;
                    slopes_of(p.scale, seen, key, first, in_pair, all, m);
                    blocks::product(d, tile, tile, m.key_terms, m.slope_pairs, m.gradient + first * d, tile, true, tile);
                }
                if (from >= to) continue;
                index_t const begin = blocks::place(0, from, all);
                blocks::product(tile, dv, to - from, m.chances + begin, m.slope_terms + pair * dv + begin, m.dvs, dv, true, all);
                blocks::product(tile, d, to - from, m.slopes + begin, m.query_terms + pair * d + begin, m.dk, d, true, all);
            }
            ranges.leave(g, which, key, n, p.key_column(kv), size, m.dk, d, keys);
            ranges.leave(g, which, key, n, p.value_column(kv), wide, m.dvs, dv, values);
        }
        for (index_t first = begins; first < length; first += tile) {
            index_t const n = std::min(tile, length - first);
            if (shared) transposed(m.gradient + first * d, n, size, [&](index_t r) { return shared + (first + r) * size; });
            else transposed(m.gradient + first * d, n, size, [&](index_t r) { return &g.qkv_gradient(base + first + r, p.query_column(head)); });
        }
    }

  private:
    /// Of a tile of keys by the tile of queries from `first` on, which begins at the `in_pair`-th of `all` of its pair: probabilities and the gradient of scores, as
    /// operands.
    MT_INLINE static void slopes_of(float scale, seen_keys const& seen, index_t key, index_t first, index_t in_pair, index_t all, range_memory const& m) {
        alignas(64) square score, along;
        blocks::product(tile, tile, m.d, m.key_lines, m.query_lines + first * m.d, &score[0][0], tile, false, m.d);
        blocks::product(tile, tile, m.dv, m.value_lines, m.slope_lines + first * m.dv, &along[0][0], tile, false, m.dv);
        float const *const log_sum = m.log_sum + first, *const dot = m.dot + first;
        // Where not all is seen, it is done before: what a query does not see is then hidden from numbers that are none, too.
        bool const         whole = seen.whole(key);
        float const        by = whole ? scale * log2_e : 1;
        float const* const less = whole ? log_sum : zeros;
        if (!whole) seen.scale_and_hide(key, scale * log2_e, log_sum, hidden, score);
        for (index_t j = 0; j < tile; j += 2)
            for (index_t c = 0; c < tile; c += 32) {
                V slope[2][2];
                for (int i = 0; i < 2; ++i) {
                    V chance[2];
                    for (int h = 0; h < 2; ++h) {
                        index_t const q        = c + 16 * h;
                        V const       exponent = vector_at(score[j + i] + q) * by - vector_at(less + q);
                        power_of_two<Units>(exponent, chance[h]);
                        slope[i][h]            = chance[h] * (vector_at(along[j + i] + q) - vector_at(dot + q)) * scale;
                    }
                    store_line(chance[0], chance[1], in_pair + c, all, j + i, m.chances), store_line(slope[i][0], slope[i][1], in_pair + c, all, j + i, m.slopes);
                }
                for (int h = 0; h < 2; ++h) store_pairs(slope[0][h], slope[1][h], c + 16 * h, j, tile, m.slope_pairs);
            }
    }
};

}  // namespace midtrain::inline MT_ABI::detail
