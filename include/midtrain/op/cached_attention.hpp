#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/distance.hpp>
#include <midtrain/problem/score_row.hpp>

namespace midtrain::inline MT_ABI::op {

/// Keeps the keys and values of new tokens: row t of qkv, from `column` on, becomes row first + t of the cache. One token a team.
template <class T>
struct keep_keys_values {
    matrix_view<T const> qkv;    // (tokens, (heads + 2 kv_heads) * size)
    matrix_view<T>       cache;  // (capacity, 2 kv_heads * size)
    index_t              first, column;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const from = qkv.row(t).data + column;
        auto const to   = cache.row(first + t).data;
        team.each(cache.columns, [=](index_t i) { to[i] = from[i]; });
    }
};

/// Attention of one new token over the kept keys and values of rows first .. last: the last row of attention_problem, in work linear in
/// length; the new token's position is `last`. One head a team.
template <class T, class Modifier = unmodified, class Distance = as_they_stand>
struct cached_attention {
    matrix_view<T const>       qkv;     // (1, queries first, as in attention_problem)
    matrix_view<T const>       cache;   // (capacity, (key_forms + 1) * kv_heads * size)
    matrix_view<computed_t<T>> scores;  // (heads, capacity): workspace
    matrix_view<T>             output;  // (1, heads * size of a value)
    index_t                    first, last, kv_heads, size;
    computed_t<T>              scale;
    [[no_unique_address]] Modifier modifier = {};
    [[no_unique_address]] Distance distance = {};
    row_view<T const>          sink = {};  // (heads): op/attention_sink.hpp; empty: none
    // Of a value, and where the first stands in the cache; 0 and below zero: of a key, behind the keys.
    index_t                    value_size = 0, value_column = -1;
    matrix_view<T const>       apart = {};  // (capacity, values of all key heads): where they are kept elsewhere

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t head) const {
        using C          = computed_t<T>;
        index_t const n  = last - first + 1, kvs = kv_heads, kv = head / (scores.rows / kvs), begin = first, d = size;
        auto const    q  = qkv.row(0).data + head * size;
        auto const    far   = distance;
        index_t const forms = scores.rows * size, at = last;  // columns between a query's forms
        auto const    s  = scores.row(head).data;
        auto const    kept = cache;
        index_t const dv = value_size > 0 ? value_size : size;
        auto const    y  = output.row(0).data + head * dv;
        C const       by = scale;
        auto const    rows = score_row<Modifier>(modifier, last, head);
        team.each(n, [=](index_t j) {
            int const  form = form_of(far, at, begin + j);
            auto const k    = kept.row(begin + j).data + (far.key_form(form) * kvs + kv) * d;
            auto const u    = q + form * forms;
            C          x    = 0;
            for (index_t i = 0; i < d; ++i) x += C(u[i]) * C(k[i]);
            s[j] = rows.score(x * by, n - 1 - j);
        });
        bool const sinks = sink.size() > 0;
        C const    b     = sinks ? C(sink[head]) : C(0);
        C const    seen  = team.reduce(n, largest{}, [=](index_t j) { return s[j]; });
        C const    top   = sinks && b > seen ? b : seen;
        C const    total = team.reduce(n, sum{}, [=](index_t j) { return s[j] = exponential(s[j] - top); }) + (sinks ? exponential(b - top) : C(0));
        auto const    values = apart.data ? apart : kept;
        index_t const value  = (apart.data ? 0 : value_column < 0 ? far.key_forms() * kvs * d : value_column) + kv * dv;
        team.each(dv, [=](index_t i) {
            C x = 0;
            for (index_t j = 0; j < n; ++j) x += s[j] * C(values(begin + j, value + i));
            y[i] = T(x / total);
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
