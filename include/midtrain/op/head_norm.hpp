#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>

// RMSNorm of each query's and each key's head over its own width ("QK-norm", Henry et al. 2020; as in Qwen3). Over all heads at once (OLMo 2)
// it is the same with one query and one key, whose widths may differ.
namespace midtrain::inline MT_ABI::op {

/// Of a row of heads the first `heads` are queries and the next `kv_heads` keys; what follows is left alone.
struct head_rows {
    index_t heads, kv_heads, size;
    index_t key_size = 0;  // 0: as queries

    MT_HOST_DEVICE constexpr index_t count() const { return heads + kv_heads; }
    MT_HOST_DEVICE constexpr index_t size_of(index_t h) const { return h < heads || key_size == 0 ? size : key_size; }
    MT_HOST_DEVICE constexpr index_t column(index_t h) const { return h < heads ? h * size : heads * size + (h - heads) * size_of(h); }
    MT_HOST_DEVICE constexpr index_t width() const { return column(count()); }
};

/// In place, head h of token t: x = raw * scale * gain with scale = 1 / sqrt(mean(raw^2) + epsilon). raw and scale are kept for backward.
/// One head of one token a team: row t * heads + h.
template <class T>
struct head_norm_forward {
    matrix_view<T>             x;         // (tokens, >= of.width())
    matrix_view<T>             raw;       // (tokens, of.width())
    row_view<T const>          query_gain, key_gain;  // (size of a head)
    matrix_view<computed_t<T>> scale;     // (tokens, heads)
    head_rows                  of;
    computed_t<T>              epsilon;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t row) const {
        using C            = computed_t<T>;
        index_t const t = static_cast<unsigned>(row) / static_cast<unsigned>(of.count()), h = row - t * of.count(), n = of.size_of(h);
        auto const    in   = x.row(t).data + of.column(h);
        auto const    kept = raw.row(t).data + of.column(h);
        auto const    g    = (h < of.heads ? query_gain : key_gain).data;
        C const       all  = reduce_values(team, n, sum{}, [](C u) { return u * u; }, reads{in});
        C const       s    = reciprocal(root(quotient(all, C(n)) + epsilon));
        if (team.leads()) scale(t, h) = s;
        each_value(team, n, [=](C& u, C& v, C k) {
            v = u;
            u = u * s * k;
        }, updates{in}, writes{kept}, reads{g});
    }
    index_t row_width() const { return of.size; }
};

/// In place, the gradient of x becomes that of raw: scale * (d * gain - x_hat * mean(d * gain * x_hat)). One head of one token a team.
template <class T>
struct head_norm_backward {
    matrix_view<T>                   d;    // (tokens, >= of.width())
    matrix_view<T const>             raw;  // (tokens, of.width())
    row_view<T const>                query_gain, key_gain;
    matrix_view<computed_t<T> const> scale;
    head_rows                        of;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t row) const {
        using C            = computed_t<T>;
        index_t const t = static_cast<unsigned>(row) / static_cast<unsigned>(of.count()), h = row - t * of.count(), n = of.size_of(h);
        auto const    o    = d.row(t).data + of.column(h);
        auto const    in   = raw.row(t).data + of.column(h);
        auto const    g    = (h < of.heads ? query_gain : key_gain).data;
        C const       s    = scale(t, h);
        C const       all  = reduce_values(team, n, sum{}, [](C v, C k, C u) { return v * k * u; }, reads{o}, reads{g}, reads{in});
        C const       mean = quotient(all * s, C(n));
        each_value(team, n, [=](C& v, C k, C u) { v = s * (v * k - u * s * mean); }, updates{o}, reads{g}, reads{in});
    }
    index_t row_width() const { return of.size; }
};

/// The sum over tokens and heads first .. first + count - 1 of d * x_hat, for their gain (op/column_sums.hpp).
template <class T>
struct head_norm_gain_sums {
    using stored              = T;
    static constexpr int sums = 1;

    matrix_view<T const>             d, raw;
    matrix_view<computed_t<T> const> scale;
    head_rows                        of;
    index_t                          first, count;
    index_t                          rows = d.rows * count, columns = of.size_of(first);

    template <int w>
    MT_HOST_DEVICE bool packs() const {
        auto const at = of.column(first);
        return columns % w == 0 && aligned_for_packs<w>(d.data + at, d.data + d.stride + at, raw.data + at, raw.data + raw.stride + at);
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE void add(index_t r, index_t c, pack<computed_t<T>, w>* totals) const {
        index_t const       t = static_cast<unsigned>(r) / static_cast<unsigned>(count), h = first + r - t * count, at = of.column(h) + c;
        auto const          v = load_values<w>(&d(t, at)), u = load_values<w>(&raw(t, at));
        computed_t<T> const s = scale(t, h);
        for (int k = 0; k < w; ++k) totals[0][k] += v[k] * u[k] * s;
    }
};

}  // namespace midtrain::inline MT_ABI::op
