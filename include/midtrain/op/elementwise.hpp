#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/pack.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/op/activation.hpp>

namespace midtrain::inline MT_ABI::op {

// Element functors are made of do_values<w>: one place, or a pack of them where the device wants packs (core/pack.hpp).

/// y = a + b, values side by side.
template <class T>
struct add {
    row_view<T const> a, b;
    row_view<T>       y;

    template <int w>
    MT_HOST_DEVICE MT_INLINE void values_from(index_t i) const {
        using C = computed_t<T>;
        do_values<w>(i, [](C& to, C u, C v) { to = u + v; }, writes{y.data}, reads{a.data}, reads{b.data});
    }
    MT_HOST_DEVICE void operator()(index_t i) const { values_from<1>(i); }

    static constexpr int pack_size = 16 / sizeof(T);
    bool                 packs() const { return aligned_for_packs<pack_size>(a.data, b.data, y.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const { values_from<pack_size>(i); }
};

/// y = a + by * b.
template <class T>
struct add_scaled {
    row_view<T const> a, b;
    row_view<T>       y;
    computed_t<T>     by;

    template <int w>
    MT_HOST_DEVICE MT_INLINE void values_from(index_t i) const {
        using C   = computed_t<T>;
        C const k = by;
        do_values<w>(i, [=](C& to, C u, C v) { to = u + k * v; }, writes{y.data}, reads{a.data}, reads{b.data});
    }
    MT_HOST_DEVICE void operator()(index_t i) const { values_from<1>(i); }

    static constexpr int pack_size = 16 / sizeof(T);
    bool                 packs() const { return aligned_for_packs<pack_size>(a.data, b.data, y.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const { values_from<pack_size>(i); }
};

/// y = by * x.
template <class T>
struct scaled {
    row_view<T const> x;
    row_view<T>       y;
    computed_t<T>     by;

    template <int w>
    MT_HOST_DEVICE MT_INLINE void values_from(index_t i) const {
        using C   = computed_t<T>;
        C const k = by;
        do_values<w>(i, [=](C& to, C u) { to = k * u; }, writes{y.data}, reads{x.data});
    }
    MT_HOST_DEVICE void operator()(index_t i) const { values_from<1>(i); }

    static constexpr int pack_size = 16 / sizeof(T);
    bool                 packs() const { return aligned_for_packs<pack_size>(x.data, y.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const { values_from<pack_size>(i); }
};

/// y = T(x): the stored copy of master weights.
template <class X, class T>
struct convert {
    row_view<X const> x;
    row_view<T>       y;

    template <int w>
    MT_HOST_DEVICE MT_INLINE void values_from(index_t i) const {
        do_values<w>(i, [](computed_t<T>& to, computed_t<X> u) { to = static_cast<computed_t<T>>(u); }, writes{y.data}, reads{x.data});
    }
    MT_HOST_DEVICE void operator()(index_t i) const { values_from<1>(i); }

    static constexpr int pack_size = 16 / (sizeof(X) > sizeof(T) ? sizeof(X) : sizeof(T));
    bool                 packs() const { return aligned_for_packs<pack_size>(x.data, y.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const { values_from<pack_size>(i); }
};

/// x = value.
template <class T>
struct fill {
    row_view<T>   x;
    computed_t<T> value;

    template <int w>
    MT_HOST_DEVICE MT_INLINE void values_from(index_t i) const {
        auto const v = value;
        do_values<w>(i, [=](computed_t<T>& to) { to = v; }, writes{x.data});
    }
    MT_HOST_DEVICE void operator()(index_t i) const { values_from<1>(i); }

    static constexpr int pack_size = 16 / sizeof(T);
    bool                 packs() const { return aligned_for_packs<pack_size>(x.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const { values_from<pack_size>(i); }
};

/// Each row of y += bias. One row a team.
template <class T>
struct add_bias {
    matrix_view<T>    y;     // (rows, width)
    row_view<T const> bias;  // (width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C = computed_t<T>;
        each_value(team, y.columns, [](C& to, C b) { to = to + b; }, updates{y.row(r).data}, reads{bias.data});
    }
    index_t row_width() const { return y.columns; }
};

/// y = activation(gate) * up, where a row of x holds gate then up (Shazeer 2020). One row a team.
template <class T, class Activation>
struct gated_forward {
    matrix_view<T const> x;  // (rows, 2 * width)
    matrix_view<T>       y;  // (rows, width)
    static constexpr bool much_arithmetic = true;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C         = computed_t<T>;
        auto const n    = y.columns;
        auto const gate = x.row(r).data;
        auto const up   = gate + n;
        auto const out  = y.row(r).data;
        each_value(team, n, [](C& to, C g, C u) { to = Activation::value(g) * u; }, writes{out}, reads{gate}, reads{up});
    }
    index_t row_width() const { return y.columns; }
};

/// dx of gated_forward; may be written over x itself. One row a team.
template <class T, class Activation>
struct gated_backward {
    matrix_view<T const> x;   // (rows, 2 * width)
    matrix_view<T const> dy;  // (rows, width)
    matrix_view<T>       dx;  // (rows, 2 * width)
    static constexpr bool much_arithmetic = true;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C         = computed_t<T>;
        auto const n    = dy.columns;
        auto const in   = x.row(r).data;
        auto const out  = dx.row(r).data;
        each_value(team, n, [](C& dg, C& du, C g, C u, C d) {
            dg = Activation::times_slope(d * u, g);
            du = Activation::times_value(d, g);
        }, writes{out}, writes{out + n}, reads{in}, reads{in + n}, reads{dy.row(r).data});
    }
    index_t row_width() const { return dy.columns; }
};

/// y = activation(x).
template <class T, class Activation>
struct activated_forward {
    row_view<T const> x;
    row_view<T>       y;
    static constexpr bool much_arithmetic = true;

    template <int w>
    MT_HOST_DEVICE MT_INLINE void values_from(index_t i) const {
        using C = computed_t<T>;
        do_values<w>(i, [](C& to, C u) { to = Activation::value(u); }, writes{y.data}, reads{x.data});
    }
    MT_HOST_DEVICE void operator()(index_t i) const { values_from<1>(i); }

    static constexpr int pack_size = 16 / sizeof(T);
    bool                 packs() const { return aligned_for_packs<pack_size>(x.data, y.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const { values_from<pack_size>(i); }
};

/// dx of activated_forward; may be written over x itself.
template <class T, class Activation>
struct activated_backward {
    row_view<T const> x, dy;
    row_view<T>       dx;
    static constexpr bool much_arithmetic = true;

    template <int w>
    MT_HOST_DEVICE MT_INLINE void values_from(index_t i) const {
        using C = computed_t<T>;
        do_values<w>(i, [](C& to, C d, C u) { to = Activation::times_slope(d, u); }, writes{dx.data}, reads{dy.data}, reads{x.data});
    }
    MT_HOST_DEVICE void operator()(index_t i) const { values_from<1>(i); }

    static constexpr int pack_size = 16 / sizeof(T);
    bool                 packs() const { return aligned_for_packs<pack_size>(x.data, dy.data, dx.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const { values_from<pack_size>(i); }
};

template <class T>
using swiglu_forward = gated_forward<T, silu>;
template <class T>
using swiglu_backward = gated_backward<T, silu>;
template <class T>
using gelu_forward = activated_forward<T, gelu_tanh>;
template <class T>
using gelu_backward = activated_backward<T, gelu_tanh>;

}  // namespace midtrain::inline MT_ABI::op
