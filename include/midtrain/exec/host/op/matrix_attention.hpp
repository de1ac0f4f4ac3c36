#pragma once
#include <algorithm>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/exec/host/amx.hpp>
#include <midtrain/exec/host/lanes.hpp>
#include <midtrain/exec/host/matrix_blocks.hpp>
#include <midtrain/exec/host/op/attention_ranges.hpp>
#include <midtrain/exec/host/op/matrix_attention_gradient.hpp>
#include <midtrain/exec/host/op/matrix_attention_parts.hpp>
#include <midtrain/exec/host/op/seen_keys.hpp>
#include <midtrain/exec/host/power_of_two.hpp>
#include <midtrain/exec/host/thread_pool.hpp>
#include <midtrain/exec/host/thread_workspace.hpp>
#include <midtrain/problem/attention.hpp>

namespace midtrain::inline MT_ABI::detail {

/// host_attention of bfloat16 with matrix units. Scores stand transposed, 64 keys by 64 queries: largest ones and sums of a query then run down a column, many
/// queries a register, and what comes out is packed as an operand of the next product by rounding alone. Probabilities and slopes are rounded to bfloat16
/// there, as FlashAttention-2 does (Dao 2023); sums are floats.
template <class Units = amx>
class matrix_attention : matrix_attention_parts<Units> {
    using common           = matrix_attention_parts<Units>;
    using problem          = attention_problem<bf16>;
    using gradient_problem = attention_gradient_problem<bf16>;
    using gradient         = matrix_attention_gradient<Units>;
    using typename common::blocks, typename common::V, typename common::square;
    using common::tile, common::two, common::none, common::hidden, common::log2_e, common::ln_2, common::zeros, common::pair_of, common::vector_at, common::store_pairs, common::transposed;

  public:
    explicit matrix_attention(thread_pool& pool) : pool_(pool) {}

    void forward(problem const& p) {
        index_t const d = blocks::whole(p.head_size), dv = blocks::whole(p.values()), tiles = (p.length + tile - 1) / tile, n = p.sequences * p.kv_heads;
        bf16 *const keys = workspace<bf16>(0, n * tiles * tile * d), *const values = workspace<bf16>(1, n * tiles * tile * dv);
        index_t const pairs = (tiles + 1) / 2;
        each_task(n * pairs, 0, 0, [&](index_t k, bf16*, float*) {
            index_t const s = k / pairs / p.kv_heads, kv = k / pairs % p.kv_heads, first = k % pairs * two, to = k / pairs * tiles * tile + first;
            index_t const m = std::min(two, p.length - first), all = pair_of(p.length - first);
            bf16 const* const key = &p.qkv(s * p.length + first, p.key_column(kv)), *const value = &p.qkv(s * p.length + first, p.value_column(kv));
            blocks::template pack_all<true>(true, key, p.qkv.stride, m, p.head_size, all, d, keys + to * d);
            blocks::template pack_all<true>(false, value, p.qkv.stride, p.values(), m, dv, all, values + to * dv);
        });
        index_t const heads = p.sequences * p.heads;
        each_task(heads * tiles, tile * (d + two), tile * (dv + two), [&](index_t k, bf16* operands, float* sums) {
            // The longest rows first: the tail of the work is then short.
            index_t const which = k % heads, s = which / p.heads, head = which % p.heads, kv = (s * p.kv_heads + head / p.group()) * tiles * tile;
            query_tile(p, s, head, tiles - 1 - k / heads, keys + kv * d, values + kv * dv, operands, sums);
        });
    }

    void backward(gradient_problem const& g) {
        auto const&            p = g.forward;
        index_t const          heads = p.sequences * p.heads, tiles = (p.length + tile - 1) / tile;
        attention_ranges const ranges(p);
        index_t const          parts = ranges.parts();
        float *const keys = workspace<float>(0, ranges.shared(p, p.head_size)), *const values = workspace<float>(1, ranges.shared(p, p.values()));
        float* const queries = workspace<float>(2, parts > 1 ? parts * heads * p.length * p.head_size : 0);
        typename gradient::range_memory const of(p);
        each_task(heads * parts, of.operands(), of.sums(), [&](index_t k, bf16* operands, float* sums) {
            gradient::key_range(g, ranges, k / parts, k % parts, keys, values, parts > 1 ? queries + k * p.length * p.head_size : nullptr, of.at(operands, sums));
        });
        if (!ranges.sums(p)) return;
        each_task(p.sequences * tiles, 0, 0, [&](index_t k, bf16*, float*) {
            index_t const first = k % tiles * tile;
            ranges.sum(g, k / tiles, first, std::min(p.length, first + tile), queries, keys, values);
        });
    }

  private:
    template <class T>
    static T* workspace(int which, index_t n) {
        return thread_workspace<matrix_attention, T>(which, n);
    }
    /// f(k, operands, sums) for k in 0 .. n-1, on the thread that is free first, with workspace for so many values.
    template <class F>
    void each_task(index_t n, index_t operands, index_t sums, F const& f) {
        pool_.deal([&](auto next) {
            bf16* const  a = workspace<bf16>(3, operands);
            float* const b = workspace<float>(3, sums);
            Units::call([&] {
                for (index_t k; (k = next()) < n;) f(k, a, b);
            });
        });
    }

    /// Forward of the q-th 64 queries of a head.
    MT_INLINE static void query_tile(problem const& p, index_t s, index_t head, index_t q, bf16 const* keys, bf16 const* values, bf16* query, float* out) {
        index_t const base = s * p.length, first = q * tile, n = std::min(tile, p.length - first), d = blocks::whole(p.head_size), dv = blocks::whole(p.values());
        bf16* const   chances = query + tile * d;
        square* const score   = reinterpret_cast<square*>(out + dv * tile);  // of two tiles of keys
        seen_keys const seen(p, base, first, n);
        float const   scale = p.scale * log2_e;
        alignas(64) float top[tile], total[tile];  // of scores as powers of two
        std::fill_n(top, tile, none), std::fill_n(total, tile, 0.0f), std::fill_n(out, dv * tile, 0.0f);
        blocks::template pack_all<false>(true, &p.qkv(base + first, p.query_column(head)), p.qkv.stride, n, p.head_size, tile, d, query);
        for (index_t pair = seen.least / two * two; pair <= first + n - 1; pair += two) {
            // Tiles of this pair that a query sees, and what their scores are to be multiplied by.
            index_t const all = pair_of(p.length - pair), from = std::max<index_t>(0, seen.least / tile * tile - pair), to = std::min(all, first + tile - pair);
            float         by[2];
            V             high[4];
            MT_UNROLL(4)
            for (int c = 0; c < 4; ++c) high[c] = vector_at(top + 16 * c);
            for (index_t k = from / tile; k < to / tile; ++k) {
                index_t const key = pair + k * tile;
                blocks::product(tile, tile, d, keys + key * d, query, &score[k][0][0], tile, false, d);
                by[k] = seen.whole(key) ? scale : 1;
                if (!seen.whole(key)) seen.scale_and_hide(key, scale, zeros, hidden, score[k]);
                for (index_t j = 0; j < tile; ++j) {
                    MT_UNROLL(4)
                    for (int c = 0; c < 4; ++c) {
                        V const scaled = vector_at(score[k][j] + 16 * c) * by[k];
                        Units::larger(scaled, high[c], high[c]);
                    }
                }
            }
            rescale(top, high, total, out, dv);
            for (index_t k = from / tile; k < to / tile; ++k)
                for (index_t j = 0; j < tile; j += 2) {
                    MT_UNROLL(4)
                    for (int c = 0; c < 4; ++c) {
                        V chance[2];
                        for (int i = 0; i < 2; ++i) {
                            V const exponent = vector_at(score[k][j + i] + 16 * c) * by[k] - high[c];
                            power_of_two<Units>(exponent, chance[i]);
                        }
                        vector_at(total + 16 * c) += chance[0] + chance[1];
                        store_pairs(chance[0], chance[1], 16 * c, k * tile + j, all, chances);
                    }
                }
            index_t const begin = blocks::place(0, from, all);
            blocks::product(dv, tile, to - from, values + pair * dv + begin, chances + begin, out, tile, true, all);
        }
        for (index_t r = 0; r < n; ++r) p.log_sum(head, base + first + r) = top[r] * ln_2 + logarithm(total[r]), total[r] = 1 / total[r];
        for (index_t i = 0; i < dv; ++i)
            for (index_t c = 0; c < tile; ++c) out[i * tile + c] *= total[c];
        transposed(out, n, p.values(), [&](index_t r) { return &p.output(base + first + r, p.output_column(head)); });
    }

    /// What came before, brought to the larger of the scores so far.
    MT_INLINE static void rescale(float (&top)[tile], V const (&high)[4], float (&total)[tile], float* out, index_t dv) {
        alignas(64) float now[tile];
        V                 shrink[4];
        bool              some = false;
        MT_UNROLL(4)
        for (int c = 0; c < 4; ++c) vector_at(now + 16 * c) = high[c];
        for (index_t c = 0; c < tile; ++c) some |= now[c] != top[c];
        if (!some) return;
        MT_UNROLL(4)
        for (int c = 0; c < 4; ++c) {
            V const less = vector_at(top + 16 * c) - high[c];
            power_of_two<Units>(less, shrink[c]);
            vector_at(top + 16 * c) = high[c];
            vector_at(total + 16 * c) *= shrink[c];
        }
        for (index_t i = 0; i < dv; ++i) {
            MT_UNROLL(4)
            for (int c = 0; c < 4; ++c) vector_at(out + i * tile + 16 * c) *= shrink[c];
        }
    }

    thread_pool& pool_;
};

}  // namespace midtrain::inline MT_ABI::detail
