#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// Which of the groups of a gain a row of one group takes; fewer than 2^31 rows, since a GPU divides 64 bits slowly.
MT_HOST_DEVICE constexpr index_t group_of_row(index_t r, index_t gains, index_t width) {
    return gains == width ? 0 : static_cast<unsigned>(r) % (static_cast<unsigned>(gains) / static_cast<unsigned>(width));
}

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
    static constexpr bool much_arithmetic = true;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C        = computed_t<T>;
        auto const in  = x.row(r).data;
        auto const out = y.row(r).data;
        auto const n   = x.columns;
        auto const g   = gain.data + group_of_row(r, gain.size(), n) * n;
        C const more   = plus;
        C const squares = reduce_values(team, n, sum{}, [](C u) { return u * u; }, reads{in});
        C const s       = reciprocal(root(quotient(squares, C(n)) + epsilon));
        if (team.leads()) scale[r] = s;
        each_value(team, n, [=](C& v, C u, C k) { v = u * s * (k + more); }, writes{out}, reads{in}, reads{g});
    }
    index_t row_width() const { return x.columns; }
};

/// dx += scale * (d - x_hat * mean(d * x_hat)) with d = dy * (gain + plus) and x_hat = x * scale. One row a team.
template <class T>
struct rmsnorm_backward {
    matrix_view<T const>          x, dy;  // (rows, width)
    row_view<T const>             gain;   // (groups * width)
    row_view<computed_t<T> const> scale;  // (rows)
    matrix_view<T>                dx;     // (rows, width), added to
    computed_t<T>                 plus = 0;
    static constexpr bool much_arithmetic = true;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C       = computed_t<T>;
        auto const in = x.row(r).data;
        auto const d  = dy.row(r).data;
        auto const o  = dx.row(r).data;
        auto const n  = x.columns;
        auto const g  = gain.data + group_of_row(r, gain.size(), n) * n;
        C const    s  = scale[r], more = plus;
        C const along = reduce_values(team, n, sum{}, [=](C v, C k, C u) { return v * (k + more) * u; }, reads{d}, reads{g}, reads{in});
        C const mean  = quotient(along * s, C(n));
        each_value(team, n, [=](C& to, C v, C k, C u) { to = to + s * (v * (k + more) - u * s * mean); }, updates{o}, reads{d}, reads{g}, reads{in});
    }
    index_t row_width() const { return x.columns; }
};

/// The sum over rows of dy * x_hat, for the gain (op/column_sums.hpp). Of a gain with several groups a row of x has one value of `scale` each.
template <class T>
struct rmsnorm_gain_sums {
    using stored              = T;
    static constexpr int sums = 1;

    matrix_view<T const>          x, dy;  // (rows, groups * width)
    row_view<computed_t<T> const> scale;  // (rows * groups)
    index_t                       rows = x.rows, columns = x.columns, groups = scale.size() / x.rows, width = columns / groups;

    template <int w>
    MT_HOST_DEVICE bool packs() const {
        return width % w == 0 && aligned_for_packs<w>(x.data, x.data + x.stride, dy.data, dy.data + dy.stride);
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE void add(index_t r, index_t c, pack<computed_t<T>, w>* totals) const {
        auto const          d = load_values<w>(&dy(r, c)), u = load_values<w>(&x(r, c));
        computed_t<T> const s = scale[r * groups + static_cast<unsigned>(c) / static_cast<unsigned>(width)];
        for (int k = 0; k < w; ++k) totals[0][k] += d[k] * u[k] * s;
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
    static constexpr bool much_arithmetic = true;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C        = computed_t<T>;
        auto const in  = x.row(r).data;
        auto const out = y.row(r).data;
        auto const g   = gain.data;
        auto const b   = bias.data;
        auto const n   = x.columns;
        C const more   = plus;
        C const m = quotient(reduce_values(team, n, sum{}, [](C u) { return u; }, reads{in}), C(n));
        C const v = quotient(reduce_values(team, n, sum{}, [=](C u) { return (u - m) * (u - m); }, reads{in}), C(n));
        C const s = reciprocal(root(v + epsilon));
        if (team.leads()) {
            mean[r]  = m;
            scale[r] = s;
        }
        each_value(team, n, [=](C& to, C u, C k, C c) { to = (u - m) * s * (k + more) + c; }, writes{out}, reads{in}, reads{g}, reads{b});
    }
    index_t row_width() const { return x.columns; }
};

/// dx += scale * (d - mean(d) - x_hat * mean(d * x_hat)) with d = dy * (gain + plus). One row a team.
template <class T>
struct layernorm_backward {
    matrix_view<T const>          x, dy;
    row_view<T const>             gain;
    row_view<computed_t<T> const> mean, scale;
    matrix_view<T>                dx;  // added to
    computed_t<T>                 plus = 0;
    static constexpr bool much_arithmetic = true;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C       = computed_t<T>;
        auto const in = x.row(r).data;
        auto const d  = dy.row(r).data;
        auto const o  = dx.row(r).data;
        auto const g  = gain.data;
        auto const n  = x.columns;
        C const m = mean[r], s = scale[r], more = plus;
        C const ones   = reduce_values(team, n, sum{}, [=](C v, C k) { return v * (k + more); }, reads{d}, reads{g});
        C const along  = reduce_values(team, n, sum{}, [=](C v, C k, C u) { return v * (k + more) * (u - m) * s; }, reads{d}, reads{g}, reads{in});
        C const first  = quotient(ones, C(n)), second = quotient(along, C(n));
        each_value(team, n, [=](C& to, C v, C k, C u) { to = to + s * (v * (k + more) - first - (u - m) * s * second); }, updates{o}, reads{d}, reads{g},
                   reads{in});
    }
    index_t row_width() const { return x.columns; }
};

/// The sums over rows of dy * x_hat, for the gain, and of dy, for the bias (op/column_sums.hpp).
template <class T>
struct layernorm_parameters_sums {
    using stored              = T;
    static constexpr int sums = 2;

    matrix_view<T const>          x, dy;  // (rows, columns)
    row_view<computed_t<T> const> mean, scale;  // (rows)
    index_t                       rows = x.rows, columns = x.columns;

    template <int w>
    MT_HOST_DEVICE bool packs() const {
        return aligned_for_packs<w>(x.data, x.data + x.stride, dy.data, dy.data + dy.stride);
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE void add(index_t r, index_t c, pack<computed_t<T>, w>* totals) const {
        auto const          d = load_values<w>(&dy(r, c)), u = load_values<w>(&x(r, c));
        computed_t<T> const m = mean[r], s = scale[r];
        for (int k = 0; k < w; ++k) {
            totals[0][k] += d[k] * (u[k] - m) * s;
            totals[1][k] += d[k];
        }
    }
};

}  // namespace midtrain::inline MT_ABI::op
