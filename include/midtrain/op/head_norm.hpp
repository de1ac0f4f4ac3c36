#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/op/norm.hpp>

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
/// One token a team.
template <class T>
struct head_norm_forward {
    matrix_view<T>             x;         // (tokens, >= of.width())
    matrix_view<T>             raw;       // (tokens, of.width())
    row_view<T const>          query_gain, key_gain;  // (size of a head)
    matrix_view<computed_t<T>> scale;     // (tokens, heads)
    head_rows                  of;
    computed_t<T>              epsilon;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        using C = computed_t<T>;
        for (index_t h = 0; h < of.count(); ++h) {
            auto const n       = of.size_of(h);
            auto const in      = x.row(t).data + of.column(h);
            auto const kept    = raw.row(t).data + of.column(h);
            auto const g       = (h < of.heads ? query_gain : key_gain).data;
            C const    squares = team.reduce(n, sum{}, [=](index_t i) { return C(in[i]) * C(in[i]); });
            C const    s       = C(1) / root(squares / C(n) + epsilon);
            if (team.leads()) scale(t, h) = s;
            team.each(n, [=](index_t i) {
                kept[i] = in[i];
                in[i]   = T(C(kept[i]) * s * C(g[i]));
            });
        }
    }
};

/// In place, the gradient of x becomes that of raw: scale * (d * gain - x_hat * mean(d * gain * x_hat)). One token a team.
template <class T>
struct head_norm_backward {
    matrix_view<T>                   d;    // (tokens, >= of.width())
    matrix_view<T const>             raw;  // (tokens, of.width())
    row_view<T const>                query_gain, key_gain;
    matrix_view<computed_t<T> const> scale;
    head_rows                        of;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        using C = computed_t<T>;
        for (index_t h = 0; h < of.count(); ++h) {
            auto const n    = of.size_of(h);
            auto const o    = d.row(t).data + of.column(h);
            auto const in   = raw.row(t).data + of.column(h);
            auto const g    = (h < of.heads ? query_gain : key_gain).data;
            C const    s    = scale(t, h);
            C const    mean = team.reduce(n, sum{}, [=](index_t i) { return C(o[i]) * C(g[i]) * C(in[i]); }) * s / C(n);
            team.each(n, [=](index_t i) { o[i] = T(s * (C(o[i]) * C(g[i]) - C(in[i]) * s * mean)); });
        }
    }
};

/// gain_gradient += sum over tokens and heads first .. first + count - 1 of d * x_hat, 32 columns a team, in order.
template <class T>
struct head_norm_gain_backward {
    static constexpr index_t row_values = column_tile;

    matrix_view<T const>             d, raw;
    matrix_view<computed_t<T> const> scale;
    row_view<computed_t<T>>          gain_gradient;  // (size of these heads)
    head_rows                        of;
    index_t                          first, count;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t tile) const {
        using C          = computed_t<T>;
        auto const begin = tile * column_tile;
        auto const self  = *this;
        auto const left  = gain_gradient.size() - begin;
        team.each(left < column_tile ? left : column_tile, [=](index_t i) {
            C total = 0;
            for (index_t t = 0; t < self.raw.rows; ++t)
                for (index_t h = self.first; h < self.first + self.count; ++h) {
                    auto const at = self.of.column(h) + begin + i;
                    total += C(self.d(t, at)) * C(self.raw(t, at)) * self.scale(t, h);
                }
            self.gain_gradient[begin + i] += total;
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
