#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// Columns that one team sums over rows: a short row, for a device whose teams come in sizes.
inline constexpr index_t column_tile = 32;

/// Teams that a sum over rows needs for so many columns.
MT_HOST_DEVICE constexpr index_t column_tiles(index_t columns) { return (columns + column_tile - 1) / column_tile; }

/// y = x * scale * (gain + plus) with scale = 1 / sqrt(mean(x^2) + epsilon), kept for backward. Of a gain with several groups a row takes
/// the next one each. One row a team.
template <class T>
struct rmsnorm_forward {
    matrix_view<T const>    x;      // (rows, width)
    row_view<T const>       gain;   // (groups * width)
    matrix_view<T>          y;      // (rows, width)
    row_view<computed_t<T>> scale;  // (rows)
    computed_t<T>           epsilon;
    computed_t<T>           plus = 0;  // 1: a gain about zero (Gemma)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C        = computed_t<T>;
        auto const in  = x.row(r).data;
        auto const out = y.row(r).data;
        auto const n   = x.columns;
        auto const g   = gain.data + r % (gain.size() / n) * n;
        C const more   = plus;
        C const squares = team.reduce(n, sum{}, [=](index_t i) { return C(in[i]) * C(in[i]); });
        C const s       = C(1) / root(squares / C(n) + epsilon);
        if (team.leads()) scale[r] = s;
        team.each(n, [=](index_t i) { out[i] = T(C(in[i]) * s * (C(g[i]) + more)); });
    }
};

/// dx += scale * (d - x_hat * mean(d * x_hat)) with d = dy * (gain + plus) and x_hat = x * scale. One row a team.
template <class T>
struct rmsnorm_backward {
    matrix_view<T const>          x, dy;  // (rows, width)
    row_view<T const>             gain;   // (groups * width)
    row_view<computed_t<T> const> scale;  // (rows)
    matrix_view<T>                dx;     // (rows, width), added to
    computed_t<T>                 plus = 0;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C       = computed_t<T>;
        auto const in = x.row(r).data;
        auto const d  = dy.row(r).data;
        auto const o  = dx.row(r).data;
        auto const n  = x.columns;
        auto const g  = gain.data + r % (gain.size() / n) * n;
        C const    s  = scale[r], more = plus;
        C const mean  = team.reduce(n, sum{}, [=](index_t i) { return C(d[i]) * (C(g[i]) + more) * C(in[i]); }) * s / C(n);
        team.each(n, [=](index_t i) { o[i] = T(C(o[i]) + s * (C(d[i]) * (C(g[i]) + more) - C(in[i]) * s * mean)); });
    }
};

/// gain_gradient += sum over rows of dy * x_hat, 32 columns a team, rows in order.
template <class T>
struct rmsnorm_gain_backward {
    static constexpr index_t row_values = column_tile;

    matrix_view<T const>          x, dy;
    row_view<computed_t<T> const> scale;
    row_view<computed_t<T>>       gain_gradient;  // (groups * width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t tile) const {
        using C          = computed_t<T>;
        auto const first = tile * column_tile;
        auto const self  = *this;
        auto const left  = gain_gradient.size() - first;
        team.each(left < column_tile ? left : column_tile, [=](index_t i) {
            index_t const n = self.x.columns, groups = self.gain_gradient.size() / n, c = (first + i) % n;
            C             total = 0;
            for (index_t r = (first + i) / n; r < self.x.rows; r += groups) total += C(self.dy(r, c)) * C(self.x(r, c)) * self.scale[r];
            self.gain_gradient[first + i] += total;
        });
    }
};

/// y = (x - mean) * scale * (gain + plus) + bias with scale = 1 / sqrt(variance + epsilon). One row a team.
template <class T>
struct layernorm_forward {
    matrix_view<T const>    x;
    row_view<T const>       gain, bias;  // (width)
    matrix_view<T>          y;
    row_view<computed_t<T>> mean, scale;  // (rows)
    computed_t<T>           epsilon;
    computed_t<T>           plus = 0;  // 1: a gain about zero, LayerNorm1P (Nemotron)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C        = computed_t<T>;
        auto const in  = x.row(r).data;
        auto const out = y.row(r).data;
        auto const g   = gain.data;
        auto const b   = bias.data;
        auto const n   = x.columns;
        C const more   = plus;
        C const m = team.reduce(n, sum{}, [=](index_t i) { return C(in[i]); }) / C(n);
        C const v = team.reduce(n, sum{}, [=](index_t i) { return (C(in[i]) - m) * (C(in[i]) - m); }) / C(n);
        C const s = C(1) / root(v + epsilon);
        if (team.leads()) {
            mean[r]  = m;
            scale[r] = s;
        }
        team.each(n, [=](index_t i) { out[i] = T((C(in[i]) - m) * s * (C(g[i]) + more) + C(b[i])); });
    }
};

/// dx += scale * (d - mean(d) - x_hat * mean(d * x_hat)) with d = dy * (gain + plus). One row a team.
template <class T>
struct layernorm_backward {
    matrix_view<T const>          x, dy;
    row_view<T const>             gain;
    row_view<computed_t<T> const> mean, scale;
    matrix_view<T>                dx;  // added to
    computed_t<T>                 plus = 0;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C       = computed_t<T>;
        auto const in = x.row(r).data;
        auto const d  = dy.row(r).data;
        auto const o  = dx.row(r).data;
        auto const g  = gain.data;
        auto const n  = x.columns;
        C const m = mean[r], s = scale[r], more = plus;
        C const first  = team.reduce(n, sum{}, [=](index_t i) { return C(d[i]) * (C(g[i]) + more); }) / C(n);
        C const second = team.reduce(n, sum{}, [=](index_t i) { return C(d[i]) * (C(g[i]) + more) * (C(in[i]) - m) * s; }) / C(n);
        team.each(n, [=](index_t i) {
            o[i] = T(C(o[i]) + s * (C(d[i]) * (C(g[i]) + more) - first - (C(in[i]) - m) * s * second));
        });
    }
};

/// gain_gradient += sum of dy * x_hat and bias_gradient += sum of dy over rows, 32 columns a team, rows in order.
template <class T>
struct layernorm_parameters_backward {
    static constexpr index_t row_values = column_tile;

    matrix_view<T const>          x, dy;
    row_view<computed_t<T> const> mean, scale;
    row_view<computed_t<T>>       gain_gradient, bias_gradient;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t tile) const {
        using C          = computed_t<T>;
        auto const first = tile * column_tile;
        auto const self  = *this;
        team.each(x.columns - first < column_tile ? x.columns - first : column_tile, [=](index_t i) {
            C gain = 0, bias = 0;
            for (index_t r = 0; r < self.x.rows; ++r) {
                C const d = C(self.dy(r, first + i));
                gain += d * (C(self.x(r, first + i)) - self.mean[r]) * self.scale[r];
                bias += d;
            }
            self.gain_gradient[first + i] += gain;
            self.bias_gradient[first + i] += bias;
        });
    }
};

/// gradient += sum of dy over rows, 32 columns a team, rows in order: the gradient of a bias.
template <class T>
struct column_sum {
    static constexpr index_t row_values = column_tile;

    matrix_view<T const>    dy;
    row_view<computed_t<T>> gradient;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t tile) const {
        auto const first = tile * column_tile;
        auto const self  = *this;
        team.each(dy.columns - first < column_tile ? dy.columns - first : column_tile, [=](index_t i) {
            computed_t<T> total = 0;
            for (index_t r = 0; r < self.dy.rows; ++r) total += computed_t<T>(self.dy(r, first + i));
            self.gradient[first + i] += total;
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
