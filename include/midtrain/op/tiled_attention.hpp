#pragma once
#include <cstddef>
#include <type_traits>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/op/attention_tiles.hpp>
#include <midtrain/op/batched_gemm.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/problem/attention.hpp>

// Attention by tiles of queries and keys (Milakov and Gimelshein 2018; Dao et al. 2022, algorithm 1): scores by products of the device, a
// functor that masks them and keeps each row's maximum and sum, and products with the values. Memory is linear in length. Tiles that the
// order of tokens or a window hides from all their queries are left out; which documents there are only the device knows.
// Floor: 4 heads * head_size multiply-adds a visible score over the rate of products, and the traffic of the scores, 2 sizeof(float) +
// 2 sizeof(T) bytes each, over the bandwidth, which is what a fused way saves.
namespace midtrain::inline MT_ABI::op {

/// One tile of scores turned to probabilities against the largest score so far, what was summed before scaled down to that. One row a team.
template <class T, class Modifier, class Distance>
struct tiled_softmax {
    using C = computed_t<T>;

    attention_problem<T, Modifier, Distance> p;
    tile_rows                                rows;
    index_t                                  key;       // first of the tile
    matrix_view<C const>                     score;     // (forms * rows, keys): products of queries and keys
    matrix_view<T>                           weight;    // (rows, keys): probabilities times `total`
    matrix_view<C>                           running;   // (2, rows): largest score, sum
    matrix_view<C>                           sums;      // (rows, padded values)
    bool                                     first_tile;

    index_t row_width() const { return weight.columns; }
    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const    a     = p;
        auto const    at    = rows.at(r);
        index_t const width = weight.columns, planes = score.stride * rows.rows();
        auto const    in    = score.data + r * score.stride;
        auto const    out    = weight.row(r).data;
        auto const    sum_of = sums.row(r).data;
        C const       lowest = largest::identity<C>();
        C const       top = first_tile ? lowest : running(0, r), before = first_tile ? C(0) : running(1, r);
        index_t const begin = at.real ? a.first(at.token) : 0;
        index_t const lo = begin > key ? begin - key : 0, end = at.real ? at.offset + 1 - key : 0, hi = end < width ? end : width;
        if (first_tile) team.each(sums.columns, [=](index_t i) { sum_of[i] = C(0); });
        if (lo >= hi) {
            team.each(width, [=](index_t j) { out[j] = T(0.0f); });
            if (first_tile && team.leads()) running(0, r) = lowest, running(1, r) = C(0);
            return;
        }
        auto const    shape = a.scores(at.token, at.head);
        index_t const back  = at.offset - key;
        auto const    value = [=](index_t j) {
            index_t const plane = a.distance.forms() > 1 ? a.form(at.token, back - j) : 0;
            return shape.score(in[plane * planes + j] * a.scale, back - j);
        };
        C const tile  = team.reduce(hi - lo, largest{}, [=](index_t j) { return value(lo + j); });
        C const high  = largest::combine(top, tile);
        C const fresh = team.reduce(hi - lo, sum{}, [=](index_t j) { return exponential(value(lo + j) - high); });
        team.each(width, [=](index_t j) { out[j] = lo <= j && j < hi ? T(exponential(value(j) - high)) : T(0.0f); });
        C const shrink = before > C(0) ? exponential(top - high) : C(0);
        if (before > C(0) && high > top) team.each(sums.columns, [=](index_t i) { sum_of[i] *= shrink; });
        if (team.leads()) running(0, r) = high, running(1, r) = before * shrink + fresh;
    }
};

/// output = sums / total, and log_sum. One row a team.
template <class T, class Modifier, class Distance>
struct tiled_answer {
    using C = computed_t<T>;

    attention_problem<T, Modifier, Distance> p;
    tile_rows                                rows;
    matrix_view<C const>                     running, sums;
    static constexpr index_t row_values = 256;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const at  = rows.at(r);
        auto const in  = sums.row(r).data;
        auto const out = p.output.data + at.token * p.output.stride + p.output_column(at.head);
        C const    top = running(0, r), total = running(1, r), by = C(1) / total;
        team.each(at.real ? p.values() : 0, [=](index_t i) { out[i] = T(in[i] * by); });
        if (at.real && team.leads()) p.log_sum(at.head, at.token) = top + logarithm(total);
    }
};

namespace detail {

template <class T>
struct tiled_forward_parts {
    using C = computed_t<T>;
    matrix_view<T> query, key, value, weight;
    matrix_view<C> score, running, sums;

    tiled_forward_parts(workspace_parts& w, attention_size const& p, attention_cut const& c) {
        index_t const rows = c.at_once * p.group() * c.queries;
        query   = w.take<T>(p.forms * rows, c.head_size);
        key     = w.take<T>(p.key_forms * c.at_once * c.length, c.head_size);
        value   = w.take<T>(c.at_once * c.length, c.values);
        weight  = w.take<T>(rows, c.keys);
        score   = w.take<C>(p.forms * rows, c.keys);
        running = w.take<C>(2, rows);
        sums    = w.take<C>(rows, c.values);
    }
};

/// So many products of matrices that lie one behind the other. A matrix of a longer row of them lies `apart` rows from the next.
template <class Device, class A, class C>
void tile_products(Device& device, index_t count, matrix_view<A> a, operand a_is, matrix_view<A> b, operand b_is, index_t b_apart,
                   matrix_view<C> c, index_t c_apart, bool accumulate) {
    using S = std::remove_const_t<A>;
    run(device, batched_gemm_problem<S, S, C>{.first = {.a = a, .a_is = a_is, .b = b, .b_is = b_is, .c = c, .accumulate = accumulate},
                                              .count = count, .a_apart = a.rows * a.stride, .b_apart = b_apart * b.stride,
                                              .c_apart = c_apart * c.stride});
}

}  // namespace detail

/// Does the problem in a workspace of tiled_bytes(size_of(p), tiles), aligned to 256 bytes.
template <class Device, class T, class Modifier, class Distance>
void tiled(Device& device, attention_problem<T, Modifier, Distance> const& p, row_view<std::byte> work, attention_tiles const& tiles = {}) {
    attention_cut const          c(p, tiles);
    workspace_parts              w(work.data);
    detail::tiled_forward_parts<T> const part(w, size_of(p), c);
    matrix_view<T const> const   qkv = p.qkv;
    int const                    forms = p.distance.forms(), key_forms = p.distance.key_forms();
    for (index_t pair = 0; pair < c.pairs; pair += c.at_once) {
        index_t const   n = c.smaller(c.at_once, c.pairs - pair);
        tile_rows const all{pair, n, p.kv_heads, 1, 0, c.length, p.length};
        auto const      gather = [&](tile_rows const& r, index_t column, index_t size, matrix_view<T> to) {
            device.rows(r.rows(), gather_heads<T>{r, qkv, column, size, to});
        };
        for (int f = 0; f < key_forms; ++f) gather(all, p.key_column(0, f), p.head_size, part.key.rows_part(f * all.rows(), all.rows()));
        gather(all, p.value_column(0), p.values(), part.value.rows_part(0, all.rows()));
        for (index_t q = 0; q < p.length; q += c.queries) {
            index_t const   height = c.smaller(c.queries, c.length - q), each = p.group() * height, end = q + height;
            tile_rows const rows{pair, n, p.kv_heads, p.group(), q, height, p.length};
            for (int f = 0; f < forms; ++f) gather(rows, p.query_column(0, f), p.head_size, part.query.rows_part(f * n * each, n * each));
            auto const    sums    = part.sums.rows_part(0, n * each);
            auto const    running = as_matrix(part.running.data, 2, n * each);
            index_t const first   = c.first_key(p, q);
            for (index_t k = first; k < end; k += c.keys) {
                index_t const width  = c.smaller(c.keys, end - k);
                auto const    score  = as_matrix(part.score.data, forms * n * each, width);
                auto const    weight = as_matrix(part.weight.data, n * each, width);
                for (int f = 0; f < forms; ++f) {
                    matrix_view<T const> const query = part.query.rows_part(f * n * each, each);
                    matrix_view<T const> const key   = part.key.rows_part(p.distance.key_form(f) * all.rows() + k, width);
                    detail::tile_products(device, n, query, operand::plain, key, operand::transposed, c.length,
                                          score.rows_part(f * n * each, each), each, false);
                }
                device.rows(rows.rows(), tiled_softmax<T, Modifier, Distance>{p, rows, k, score, weight, running, sums, k == first});
                matrix_view<T const> const of = weight.rows_part(0, each), value = part.value.rows_part(k, width);
                detail::tile_products(device, n, of, operand::plain, value, operand::plain, c.length, sums.rows_part(0, each), each, true);
            }
            device.rows(rows.rows(), tiled_answer<T, Modifier, Distance>{p, rows, running, sums});
        }
    }
}

}  // namespace midtrain::inline MT_ABI::op
