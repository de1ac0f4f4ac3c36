#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>

// Between what multi-head latent attention's matrices make and what attention reads (DeepSeek-V2, arXiv 2405.04434, eq. 10 to 18). A query's
// and a key's head are (still, turning) values; the turning ones of the keys are shared by all heads.
namespace midtrain::inline MT_ABI::op {

/// The heads' sizes, and which turning values are a pair.
struct latent_heads {
    index_t heads, still, turning, values;
    bool    side_by_side;  ///< pairs 2 i and 2 i + 1 become i and i + half; else they stand there already

    MT_HOST_DEVICE constexpr index_t size() const { return still + turning; }
    MT_HOST_DEVICE constexpr index_t width() const { return heads * (2 * size() + values); }
};

/// Value i of the turned row of `in`, of which the first 2 half values turn.
template <class T>
struct turned_row {
    T const*             in;
    computed_t<T> const *cosine, *sine;
    index_t              half;
    bool                 side_by_side;

    MT_HOST_DEVICE computed_t<T> operator()(index_t i) const {
        using C = computed_t<T>;
        if (i >= 2 * half) return C(in[i]);
        index_t const k = i < half ? i : i - half, a = side_by_side ? 2 * k : k, b = side_by_side ? 2 * k + 1 : k + half;
        return i < half ? C(in[a]) * cosine[k] - C(in[b]) * sine[k] : C(in[b]) * cosine[k] + C(in[a]) * sine[k];
    }
};

/// The other way: value i of the row whose turned values are out(j).
template <class C, class Out>
MT_HOST_DEVICE C turned_back(Out const& out, index_t i, C const* cosine, C const* sine, index_t half, bool side_by_side) {
    if (i >= 2 * half) return out(i);
    bool const    first = side_by_side ? i % 2 == 0 : i < half;
    index_t const k     = side_by_side ? i / 2 : first ? i : i - half;
    return first ? out(k) * cosine[k] + out(k + half) * sine[k] : out(k + half) * cosine[k] - out(k) * sine[k];
}

/// Rows of queries, keys and values, each head by head. One token a team.
template <class T>
struct latent_forward {
    matrix_view<T const>             query;   // (tokens, heads * (still + turning))
    matrix_view<T const>             kept;    // (tokens, heads * (still + values))
    matrix_view<T const>             shared;  // (tokens, turning)
    matrix_view<T>                   qkv;     // (tokens, of.width())
    row_view<std::int32_t const>     position;
    matrix_view<computed_t<T> const> cosine, sine, key_cosine, key_sine;  // (positions, half)
    latent_heads                     of;
    index_t                          half;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const    h     = of;
        index_t const d     = h.size(), at = half > 0 ? position[t] : 0;
        auto const    q     = query.row(t).data, kv = kept.row(t).data, r = shared.row(t).data;
        auto const    out   = qkv.row(t).data;
        auto const    turns = half;
        auto const    c = half > 0 ? cosine.row(at).data : nullptr, s = half > 0 ? sine.row(at).data : nullptr;
        auto const    kc = half > 0 ? key_cosine.row(at).data : nullptr, ks = half > 0 ? key_sine.row(at).data : nullptr;
        team.each(h.heads * d, [=](index_t k) {
            index_t const head = k / d, i = k % d;
            if (i < h.still) {
                out[k]               = q[k];
                out[h.heads * d + k] = kv[head * (h.still + h.values) + i];
                return;
            }
            out[k]               = T(turned_row<T>{q + head * d + h.still, c, s, turns, h.side_by_side}(i - h.still));
            out[h.heads * d + k] = T(turned_row<T>{r, kc, ks, turns, h.side_by_side}(i - h.still));
        });
        team.each(h.heads * h.values, [=](index_t k) {
            out[2 * h.heads * d + k] = kv[k / h.values * (h.still + h.values) + h.still + k % h.values];
        });
    }
};

/// The gradients of what latent_forward reads, from those of what it wrote. One token a team; the heads' gradients of the shared values are
/// added in their order.
template <class T>
struct latent_backward {
    matrix_view<T const>             qkv;     // (tokens, of.width())
    matrix_view<T>                   query;   // (tokens, heads * (still + turning))
    matrix_view<T>                   kept;    // (tokens, heads * (still + values))
    matrix_view<T>                   shared;  // (tokens, turning)
    row_view<std::int32_t const>     position;
    matrix_view<computed_t<T> const> cosine, sine, key_cosine, key_sine;  // (positions, half)
    latent_heads                     of;
    index_t                          half;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        using C             = computed_t<T>;
        auto const    h     = of;
        index_t const d     = h.size(), at = half > 0 ? position[t] : 0;
        auto const    q     = query.row(t).data, kv = kept.row(t).data, r = shared.row(t).data;
        auto const    in    = qkv.row(t).data;
        auto const    turns = half;
        auto const    c = half > 0 ? cosine.row(at).data : nullptr, s = half > 0 ? sine.row(at).data : nullptr;
        auto const    kc = half > 0 ? key_cosine.row(at).data : nullptr, ks = half > 0 ? key_sine.row(at).data : nullptr;
        team.each(h.heads * d, [=](index_t k) {
            index_t const head = k / d, i = k % d;
            if (i < h.still) {
                q[k]                                  = in[k];
                kv[head * (h.still + h.values) + i] = in[h.heads * d + k];
                return;
            }
            auto const row = in + head * d + h.still;
            q[k] = T(turned_back([=](index_t j) { return C(row[j]); }, i - h.still, c, s, turns, h.side_by_side));
        });
        team.each(h.turning, [=](index_t i) {
            auto const sum = [=](index_t j) {
                C all = 0;
                for (index_t head = 0; head < h.heads; ++head) all += C(in[(h.heads + head) * d + h.still + j]);
                return all;
            };
            r[i] = T(turned_back(sum, i, kc, ks, turns, h.side_by_side));
        });
        team.each(h.heads * h.values, [=](index_t k) {
            kv[k / h.values * (h.still + h.values) + h.still + k % h.values] = in[2 * h.heads * d + k];
        });
    }
};

/// Keeps for decoding what all heads share: row t of (latent, turned shared values) becomes row first + t of the cache. One token a team.
template <class T>
struct keep_latent {
    matrix_view<T const>             latent;  // (tokens, rank)
    matrix_view<T const>             shared;  // (tokens, turning)
    matrix_view<T>                   cache;   // (capacity, rank + turning)
    row_view<std::int32_t const>     position;
    matrix_view<computed_t<T> const> key_cosine, key_sine;
    index_t                          first, half;
    bool                             side_by_side;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        index_t const at = half > 0 ? position[t] : 0, rank = latent.columns;
        auto const    c  = half > 0 ? key_cosine.row(at).data : nullptr, s = half > 0 ? key_sine.row(at).data : nullptr;
        auto const    from = latent.row(t).data;
        auto const    to   = cache.row(first + t).data;
        turned_row<T> const turned{shared.row(t).data, c, s, half, side_by_side};
        team.each(cache.columns, [=](index_t i) { to[i] = i < rank ? from[i] : T(turned(i - rank)); });
    }
};

/// The turned part of a query whose still part has become one over the latent: (heads, rank + turning) side by side. One token a team.
template <class T>
struct absorb_query {
    matrix_view<T const>             query;  // (tokens, heads * (still + turning))
    matrix_view<T>                   wide;   // (tokens, heads * (rank + turning)); the first `rank` of each head are there already
    row_view<std::int32_t const>     position;
    matrix_view<computed_t<T> const> cosine, sine;
    latent_heads                     of;
    index_t                          rank, half;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const    h  = of;
        index_t const at = half > 0 ? position[t] : 0, n = rank, turns = half;
        auto const    c  = half > 0 ? cosine.row(at).data : nullptr, s = half > 0 ? sine.row(at).data : nullptr;
        auto const    in = query.row(t).data;
        auto const    out = wide.row(t).data;
        team.each(h.heads * h.turning, [=](index_t k) {
            index_t const head = k / h.turning, i = k % h.turning;
            out[head * (n + h.turning) + n + i] = T(turned_row<T>{in + head * h.size() + h.still, c, s, turns, h.side_by_side}(i));
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
