#pragma once
#include <cstddef>
#include <midtrain/core/scalar.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/attention_tiles.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/tiled_attention.hpp>
#include <midtrain/problem/attention.hpp>

// The gradient of attention by the same tiles, from log_sum: each tile's probabilities are computed once more (Dao et al. 2022, algorithm
// 4). Queries are the outer loop, so their gradient is summed in a tile's memory, that of keys and values over a whole sequence; all in one
// order. Floor: ten multiply-adds a visible score and head value, where forward has four.
namespace midtrain::inline MT_ABI::op {

/// Probabilities and the gradient of the products, from the products of queries and keys and of output's gradient and values. One row a
/// team.
template <class T, class Modifier>
struct tiled_slope {
    using C = computed_t<T>;

    attention_gradient_problem<T, Modifier> g;
    tile_rows                               rows;
    index_t                                 key;           // first of the tile
    matrix_view<C const>                    score, along;  // (rows, keys)
    matrix_view<T>                          weight, slope;  // (rows, keys)

    index_t row_width() const { return weight.columns; }
    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const    a     = g.forward;
        auto const    at    = rows.at(r);
        index_t const width = weight.columns;
        auto const    s = score.row(r).data, d = along.row(r).data;
        auto const    to_weight = weight.row(r).data, to_slope = slope.row(r).data;
        index_t const begin = at.real ? a.first(at.token) : 0;
        index_t const lo = begin > key ? begin - key : 0, hi = at.real ? at.offset + 1 - key : 0;
        if (lo >= hi || lo >= width) {
            team.each(width, [=](index_t j) { to_weight[j] = to_slope[j] = T(0.0f); });
            return;
        }
        auto const    shape = a.scores(at.token, at.head);
        index_t const back  = at.offset - key;
        C const       log_sum = a.log_sum(at.head, at.token), dot = g.dot(at.head, at.token);
        team.each(width, [=](index_t j) {
            C probability = 0, by_product = 0;
            if (lo <= j && j < hi) {
                C const scaled = s[j] * a.scale;
                probability    = exponential(shape.score(scaled, back - j) - log_sum);
                by_product     = probability * (d[j] - dot) * a.scale * shape.slope(scaled, back - j);
            }
            to_weight[j] = T(probability), to_slope[j] = T(by_product);
        });
    }
};

namespace detail {

template <class T>
struct tiled_backward_parts {
    using C = computed_t<T>;
    matrix_view<T> query, output_gradient, key, value, weight, slope;
    matrix_view<C> score, along, query_gradient, key_gradient, value_gradient;

    tiled_backward_parts(workspace_parts& w, attention_size const& p, attention_cut const& c) {
        index_t const rows = c.at_once * p.group() * c.queries, keys = c.at_once * c.length;
        query           = w.take<T>(rows, c.head_size);
        output_gradient = w.take<T>(rows, c.values);
        key             = w.take<T>(keys, c.head_size);
        value           = w.take<T>(keys, c.values);
        weight          = w.take<T>(rows, c.keys);
        slope           = w.take<T>(rows, c.keys);
        score           = w.take<C>(rows, c.keys);
        along           = w.take<C>(rows, c.keys);
        query_gradient  = w.take<C>(rows, c.head_size);
        key_gradient    = w.take<C>(keys, c.head_size);
        value_gradient  = w.take<C>(keys, c.values);
    }
};

template <class Device, class C>
void clear(Device& device, matrix_view<C> x) {
    device.elements(x.size(), fill<C>{x.flat(), 0});
}

}  // namespace detail

/// Bytes that the tiled way needs for a problem of that size, forward or backward.
inline index_t tiled_bytes(attention_size const& p, attention_tiles const& tiles = {}) {
    auto const of = [&]<class T>(T) {
        attention_cut const c(p, tiles);
        workspace_parts     w;
        if (p.backward) detail::tiled_backward_parts<T>(w, p, c);
        else detail::tiled_forward_parts<T>(w, p, c);
        return w.used();
    };
    return p.value_bytes == sizeof(bf16) ? of(bf16{}) : p.value_bytes == sizeof(float) ? of(float{}) : of(double{});
}

/// Does the problem in a workspace of tiled_bytes(size_of(g), tiles), aligned to 256 bytes.
template <class Device, class T, class Modifier>
void tiled(Device& device, attention_gradient_problem<T, Modifier> const& g, row_view<std::byte> work, attention_tiles const& tiles = {}) {
    using C = computed_t<T>;
    auto const&         p = g.forward;
    attention_cut const c(p, tiles);
    workspace_parts     w(work.data);
    detail::tiled_backward_parts<T> const part(w, size_of(g), c);
    matrix_view<T const> const qkv = p.qkv;
    auto const in = [](matrix_view<T> m) { return matrix_view<T const>(m); };
    device.rows(p.heads * p.sequences * p.length, attention_dot<T, Modifier>{g});
    for (index_t pair = 0; pair < c.pairs; pair += c.at_once) {
        index_t const   n = c.smaller(c.at_once, c.pairs - pair), keys = n * c.length;
        tile_rows const all{pair, n, p.kv_heads, 1, 0, c.length, p.length};
        auto const      dk = part.key_gradient.rows_part(0, keys), dv = part.value_gradient.rows_part(0, keys);
        device.rows(all.rows(), gather_heads<T>{all, qkv, p.key_column(0), p.head_size, part.key.rows_part(0, keys)});
        device.rows(all.rows(), gather_heads<T>{all, qkv, p.value_column(0), p.values(), part.value.rows_part(0, keys)});
        detail::clear(device, dk), detail::clear(device, dv);
        for (index_t q = 0; q < p.length; q += c.queries) {
            index_t const   height = c.smaller(c.queries, c.length - q), each = p.group() * height, end = q + height;
            tile_rows const rows{pair, n, p.kv_heads, p.group(), q, height, p.length};
            auto const query = part.query.rows_part(0, n * each), slopes = part.output_gradient.rows_part(0, n * each);
            auto const dq = part.query_gradient.rows_part(0, n * each);
            device.rows(rows.rows(), gather_heads<T>{rows, qkv, p.query_column(0), p.head_size, query});
            device.rows(rows.rows(), gather_heads<T>{rows, g.output_gradient, p.output_column(0), p.values(), slopes});
            index_t const first = c.first_key(p, q);
            for (index_t k = first; k < end; k += c.keys) {
                index_t const width = c.smaller(c.keys, end - k);
                auto const    score = as_matrix(part.score.data, n * each, width), along = as_matrix(part.along.data, n * each, width);
                auto const    weight = as_matrix(part.weight.data, n * each, width), slope = as_matrix(part.slope.data, n * each, width);
                auto const    key = in(part.key.rows_part(k, width)), value = in(part.value.rows_part(k, width));
                auto const    of_tile = [=](auto m) { return m.rows_part(0, each); };
                auto const    times = [&](matrix_view<T const> a, matrix_view<T const> b, matrix_view<C> to) {
                    detail::tile_products(device, n, a, operand::plain, b, operand::transposed, c.length, to, each, false);
                };
                times(of_tile(query), key, of_tile(score)), times(of_tile(slopes), value, of_tile(along));
                device.rows(rows.rows(), tiled_slope<T, Modifier>{g, rows, k, score, along, weight, slope});
                detail::tile_products(device, n, in(of_tile(weight)), operand::transposed, in(of_tile(slopes)), operand::plain, each,
                                      dv.rows_part(k, width), c.length, true);
                detail::tile_products(device, n, in(of_tile(slope)), operand::transposed, in(of_tile(query)), operand::plain, each,
                                      dk.rows_part(k, width), c.length, true);
                detail::tile_products(device, n, in(of_tile(slope)), operand::plain, key, operand::plain, c.length, of_tile(dq), each,
                                      k > first);
            }
            device.rows(rows.rows(), scatter_heads<T>{rows, matrix_view<C const>(dq), p.query_column(0), p.head_size, g.qkv_gradient});
        }
        // With a group of one, a row's head is that of the keys.
        device.rows(all.rows(), scatter_heads<T>{all, matrix_view<C const>(dk), p.key_column(0), p.head_size, g.qkv_gradient});
        device.rows(all.rows(), scatter_heads<T>{all, matrix_view<C const>(dv), p.value_column(0), p.values(), g.qkv_gradient});
    }
}

}  // namespace midtrain::inline MT_ABI::op
