#pragma once
#include <algorithm>
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/exec/host/amx.hpp>
#include <midtrain/exec/host/lanes.hpp>
#include <midtrain/exec/host/matrix_blocks.hpp>
#include <midtrain/exec/host/op/attention_ranges.hpp>
#include <midtrain/exec/host/op/seen_keys.hpp>
#include <midtrain/exec/host/power_of_two.hpp>
#include <midtrain/exec/host/solo_team.hpp>
#include <midtrain/exec/host/thread_pool.hpp>
#include <midtrain/exec/host/thread_workspace.hpp>
#include <midtrain/problem/attention.hpp>

namespace midtrain::inline MT_ABI::detail {

/// host_attention of bfloat16 with matrix units. Scores stand transposed, 64 keys by 64 queries: largest ones and sums of a query then run down a column, many
/// queries a register, and what comes out is packed as an operand of the next product by rounding alone. Probabilities and slopes are rounded to bfloat16
/// there, as FlashAttention-2 does (Dao 2023); sums are floats.
template <class Units = amx>
class matrix_attention {
    using problem                 = attention_problem<bf16>;
    using gradient_problem        = attention_gradient_problem<bf16>;
    using blocks                  = matrix_blocks<Units>;
    using V                       = lanes_t<float, 16>;
    using M                       = lanes_in_memory<float, 16>;
    static constexpr index_t tile = attention_ranges::tile, two = 2 * tile;
    using square                  = float[tile][tile];

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
        index_t const          d = blocks::whole(p.head_size), dv = blocks::whole(p.values()), heads = p.sequences * p.heads, tiles = (p.length + tile - 1) / tile;
        index_t const          rows = tiles * tile;
        attention_ranges const ranges(p);
        index_t const          parts = ranges.parts();
        float *const keys = workspace<float>(0, ranges.shared(p, p.head_size)), *const values = workspace<float>(1, ranges.shared(p, p.values()));
        float* const queries = workspace<float>(2, parts > 1 ? parts * heads * p.length * p.head_size : 0);
        each_task(heads * parts, 2 * (rows + tile) * (d + dv) + 5 * tile * tile, rows * (d + 2) + tile * (d + dv), [&](index_t k, bf16* operands, float* sums) {
            key_range(g, ranges, k / parts, ranges.first_key(k % parts), ranges.first_key(k % parts + 1), keys, values, parts > 1 ? queries + k * p.length * p.head_size : nullptr,
                      operands, sums);
        });
        if (!ranges.sums(p)) return;
        each_task(p.sequences * tiles, 0, 0, [&](index_t k, bf16*, float*) {
            index_t const first = k % tiles * tile;
            ranges.sum(g, k / tiles, first, std::min(p.length, first + tile), queries, keys, values);
        });
    }

  private:
    static constexpr float none = -1e30f, hidden = 2 * none;  // below every score, and below that; finite, so that a difference of two is a number
    static constexpr float log2_e = 1.44269504088896341f, ln_2 = 0.693147180559945309f;
    alignas(64) static constexpr float zeros[tile] = {};

    static index_t pair_of(index_t queries) { return queries > tile ? two : tile; }  ///< that are handled together, of so many left

    MT_INLINE static M&       vector_at(float* from) { return *reinterpret_cast<M*>(from); }
    MT_INLINE static M const& vector_at(float const* from) { return *reinterpret_cast<M const*>(from); }

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

    /// 16 queries from c on of the keys j and j + 1, of `all`, as two terms of a right operand whose lines are the queries.
    MT_INLINE static void store_pairs(V const& key, V const& next, index_t c, index_t j, index_t all, bf16* to) {
        Units::store_rounded_pairs(key, next, to + blocks::place(c, j, all) + j % 32 / 2 * 32);
    }
    /// 32 queries from c on, of `all`, of key j, as terms of a left operand whose lines are the keys.
    MT_INLINE static void store_line(V const& low, V const& high, index_t c, index_t all, index_t j, bf16* to) {
        Units::store_rounded(low, high, to + blocks::place(j, c, all) + j % 16 * 32);
    }

    /// The first `size` values of columns 0 .. n-1 of `from`, 64 a row, to the rows that row(column) names.
    template <class Row>
    MT_INLINE static void transposed(float const* from, index_t n, index_t size, Row row) {
        for (index_t c = 0; c < n; c += 16)
            for (index_t i = 0; i < size; i += 32) {
                V v[2][16];
                for (int h = 0; h < 2; ++h) {
                    for (int k = 0; k < 16; ++k) load_lanes<16>(from + (i + 16 * h + k) * tile + c, v[h][k]);
                    transpose_lanes(v[h]);
                }
                for (index_t r = 0; r < std::min<index_t>(16, n - c); ++r) {
                    auto* const to = row(c + r) + i;
                    store_values(v[0][r], v[1][r], std::min<index_t>(32, size - i), to);
                }
            }
    }
    MT_INLINE static void store_values(V const& low, V const& high, index_t n, bf16* to) {
        if (n == 32) return Units::store_rounded(low, high, to);
        alignas(64) bf16 all[32];
        Units::store_rounded(low, high, &all[0]);
        std::copy_n(all, n, to);
    }
    MT_INLINE static void store_values(V const& low, V const& high, index_t n, float* to) {
        alignas(64) V const all[2] = {low, high};
        std::copy_n(reinterpret_cast<float const*>(all), n, to);
    }

    /// Backward of one head of one sequence for a range of keys: key tiles outside, query tiles inside, two at a time, so that the keys' and values' gradient is
    /// loaded and stored half as often. The share of that gradient goes to buffers of its own, the queries' gradient is gathered in float and written at the end,
    /// to `shared`, if there is one, to be summed.
    MT_INLINE static void key_range(gradient_problem const& g, attention_ranges const& ranges, index_t which, index_t begins, index_t ends, float* keys, float* values,
                                    float* shared, bf16* operands, float* sums) {
        auto const&   p = g.forward;
        index_t const head = which % p.heads, length = p.length, base = which / p.heads * length, size = p.head_size, wide = p.values();
        index_t const d = blocks::whole(size), dv = blocks::whole(wide), rows = (length + tile - 1) / tile * tile;
        // Of each pair of tiles of queries, and then of a tile of keys: operands of scores and of gradients.
        bf16 *const query_lines = operands, *const query_terms = query_lines + rows * d, *const slope_lines = query_terms + rows * d;
        bf16 *const slope_terms = slope_lines + rows * dv, *const key_lines = slope_terms + rows * dv, *const key_terms = key_lines + tile * d;
        bf16 *const value_lines = key_terms + tile * d, *const chances = value_lines + tile * dv, *const slopes = chances + tile * two;
        bf16* const slope_pairs = slopes + tile * two;
        float *const gradient = sums, *const dot = gradient + rows * d, *const log_sum = dot + rows, *const dk = log_sum + rows, *const dvs = dk + tile * d;
        std::fill(gradient + begins * d, gradient + rows * d, 0.0f);
        for (index_t first = begins; first < length; first += two) {
            index_t const     n = std::min(two, length - first), all = pair_of(length - first);
            bf16 const* const query = &p.qkv(base + first, p.query_column(head)), *const slope = &g.output_gradient(base + first, p.output_column(head));
            blocks::template pack_all<false>(true, query, p.qkv.stride, n, size, all, d, query_lines + first * d);
            blocks::template pack_all<false>(false, query, p.qkv.stride, size, n, d, all, query_terms + first * d);
            blocks::template pack_all<false>(true, slope, g.output_gradient.stride, n, wide, all, dv, slope_lines + first * dv);
            blocks::template pack_all<false>(false, slope, g.output_gradient.stride, wide, n, dv, all, slope_terms + first * dv);
            for (index_t r = 0; r < all; ++r) {
                index_t const     t  = base + first + r;
                bf16 const* const to = r < n ? &g.output_gradient(t, p.output_column(head)) : nullptr, *const from = r < n ? &p.output(t, p.output_column(head)) : nullptr;
                dot[first + r]     = r < n ? solo_team{}.reduce(wide, sum{}, [=](index_t i) { return float(to[i]) * float(from[i]); }) : 0.0f;
                log_sum[first + r] = r < n ? float(p.log_sum(head, t)) * log2_e : 0.0f;
            }
        }
        for (index_t key = begins; key < ends; key += tile) {
            index_t const     m   = std::min(tile, length - key), kv = head / p.group();
            bf16 const* const own = &p.qkv(base + key, p.key_column(kv));
            blocks::template pack_all<true>(true, own, p.qkv.stride, m, size, tile, d, key_lines);
            blocks::template pack_all<true>(false, own, p.qkv.stride, size, m, d, tile, key_terms);
            blocks::template pack_all<true>(true, &p.qkv(base + key, p.value_column(kv)), p.qkv.stride, m, wide, tile, dv, value_lines);
            std::fill_n(dk, tile * (d + dv), 0.0f);
            for (index_t pair = begins + (key - begins) / two * two; pair < length; pair += two) {
                index_t const all = pair_of(length - pair);
                index_t       from = all, to = 0;  // queries of the pair that see a key
                for (index_t in_pair = std::max<index_t>(0, key - pair); in_pair < all; in_pair += tile) {
                    index_t const   first = pair + in_pair;
                    seen_keys const seen(p, base, first, std::min(tile, length - first));
                    if (seen.least > key + m - 1) continue;
                    from = std::min(from, in_pair), to = in_pair + tile;
                    slopes_of(p.scale, seen, key, d, dv, key_lines, query_lines + first * d, value_lines, slope_lines + first * dv, log_sum + first, dot + first, in_pair, all,
                              chances, slopes, slope_pairs);
                    blocks::product(d, tile, tile, key_terms, slope_pairs, gradient + first * d, tile, true, tile);
                }
                if (from >= to) continue;
                index_t const begin = blocks::place(0, from, all);
                blocks::product(tile, dv, to - from, chances + begin, slope_terms + pair * dv + begin, dvs, dv, true, all);
                blocks::product(tile, d, to - from, slopes + begin, query_terms + pair * d + begin, dk, d, true, all);
            }
            ranges.leave(g, which, key, m, p.key_column(kv), size, dk, d, keys);
            ranges.leave(g, which, key, m, p.value_column(kv), wide, dvs, dv, values);
        }
        for (index_t first = begins; first < length; first += tile) {
            index_t const n = std::min(tile, length - first);
            if (shared) transposed(gradient + first * d, n, size, [&](index_t r) { return shared + (first + r) * size; });
            else transposed(gradient + first * d, n, size, [&](index_t r) { return &g.qkv_gradient(base + first + r, p.query_column(head)); });
        }
    }

    /// Of a tile of keys by a tile of queries, which begin at the `in_pair`-th of `all` of their pair: probabilities and the gradient of scores, as operands.
    MT_INLINE static void slopes_of(float scale, seen_keys const& seen, index_t key, index_t d, index_t dv, bf16 const* key_lines, bf16 const* query_lines, bf16 const* value_lines,
                                    bf16 const* slope_lines, float const* log_sum, float const* dot, index_t in_pair, index_t all, bf16* chances, bf16* slopes, bf16* slope_pairs) {
        alignas(64) square score, along;
        blocks::product(tile, tile, d, key_lines, query_lines, &score[0][0], tile, false, d);
        blocks::product(tile, tile, dv, value_lines, slope_lines, &along[0][0], tile, false, dv);
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
                    store_line(chance[0], chance[1], in_pair + c, all, j + i, chances), store_line(slope[i][0], slope[i][1], in_pair + c, all, j + i, slopes);
                }
                for (int h = 0; h < 2; ++h) store_pairs(slope[0][h], slope[1][h], c + 16 * h, j, tile, slope_pairs);
            }
    }

    thread_pool& pool_;
};

}  // namespace midtrain::inline MT_ABI::detail
