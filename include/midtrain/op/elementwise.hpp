#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/pack.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/op/activation.hpp>

namespace midtrain::inline MT_ABI::op {

/// y = a + b, values side by side.
template <class T>
struct add {
    row_view<T const> a, b;
    row_view<T>       y;

    MT_HOST_DEVICE void operator()(index_t i) const { y.data[i] = T(computed_t<T>(a.data[i]) + computed_t<T>(b.data[i])); }

    static constexpr int pack_size = 16 / sizeof(T);
    bool                 packs() const { return aligned_for_packs(a.data, b.data, y.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const {
        auto       u = load_pack<pack_size>(a.data + i);
        auto const v = load_pack<pack_size>(b.data + i);
        for (int k = 0; k < pack_size; ++k) u[k] = T(computed_t<T>(u[k]) + computed_t<T>(v[k]));
        store_pack(u, y.data + i);
    }
};

/// y = a + by * b.
template <class T>
struct add_scaled {
    row_view<T const> a, b;
    row_view<T>       y;
    computed_t<T>     by;

    MT_HOST_DEVICE void operator()(index_t i) const { y.data[i] = T(computed_t<T>(a.data[i]) + by * computed_t<T>(b.data[i])); }
};

/// y = by * x.
template <class T>
struct scaled {
    row_view<T const> x;
    row_view<T>       y;
    computed_t<T>     by;

    MT_HOST_DEVICE void operator()(index_t i) const { y.data[i] = T(by * computed_t<T>(x.data[i])); }
};

/// y = T(x): the stored copy of master weights.
template <class X, class T>
struct convert {
    row_view<X const> x;
    row_view<T>       y;

    MT_HOST_DEVICE void operator()(index_t i) const { y.data[i] = T(computed_t<X>(x.data[i])); }

    static constexpr int pack_size = 16 / (sizeof(X) > sizeof(T) ? sizeof(X) : sizeof(T));
    bool                 packs() const { return aligned_for_packs(x.data, y.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const {
        auto const         u = load_pack<pack_size>(x.data + i);
        pack<T, pack_size> v;
        for (int k = 0; k < pack_size; ++k) v[k] = T(computed_t<X>(u[k]));
        store_pack(v, y.data + i);
    }
};

/// x = value.
template <class T>
struct fill {
    row_view<T>   x;
    computed_t<T> value;

    MT_HOST_DEVICE void operator()(index_t i) const { x.data[i] = T(value); }

    static constexpr int pack_size = 16 / sizeof(T);
    bool                 packs() const { return aligned_for_packs(x.data); }
    MT_HOST_DEVICE void  pack_from(index_t i) const {
        pack<T, pack_size> v;
        for (int k = 0; k < pack_size; ++k) v[k] = T(value);
        store_pack(v, x.data + i);
    }
};

/// Each row of y += bias. One row a team.
template <class T>
struct add_bias {
    matrix_view<T>    y;     // (rows, width)
    row_view<T const> bias;  // (width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const out = y.row(r).data;
        auto const b   = bias.data;
        team.each(y.columns, [=](index_t i) { out[i] = T(computed_t<T>(out[i]) + computed_t<T>(b[i])); });
    }
};

/// y = activation(gate) * up, where a row of x holds gate then up (Shazeer 2020). One row a team.
template <class T, class Activation>
struct gated_forward {
    matrix_view<T const> x;  // (rows, 2 * width)
    matrix_view<T>       y;  // (rows, width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C         = computed_t<T>;
        auto const n    = y.columns;
        auto const gate = x.row(r).data;
        auto const up   = gate + n;
        auto const out  = y.row(r).data;
        team.each(n, [=](index_t i) { out[i] = T(Activation::value(C(gate[i])) * C(up[i])); });
    }
};

/// dx of gated_forward; may be written over x itself. One row a team.
template <class T, class Activation>
struct gated_backward {
    matrix_view<T const> x;   // (rows, 2 * width)
    matrix_view<T const> dy;  // (rows, width)
    matrix_view<T>       dx;  // (rows, 2 * width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C         = computed_t<T>;
        auto const n    = dy.columns;
        auto const in   = x.row(r).data;
        auto const d    = dy.row(r).data;
        auto const out  = dx.row(r).data;
        team.each(n, [=](index_t i) {
            C const g = C(in[i]), u = C(in[n + i]), t = C(d[i]);
            out[i]     = T(Activation::times_slope(t * u, g));
            out[n + i] = T(Activation::times_value(t, g));
        });
    }
};

/// y = activation(x).
template <class T, class Activation>
struct activated_forward {
    row_view<T const> x;
    row_view<T>       y;

    MT_HOST_DEVICE void operator()(index_t i) const { y.data[i] = T(Activation::value(computed_t<T>(x.data[i]))); }
};

/// dx of activated_forward; may be written over x itself.
template <class T, class Activation>
struct activated_backward {
    row_view<T const> x, dy;
    row_view<T>       dx;

    MT_HOST_DEVICE void operator()(index_t i) const {
        using C    = computed_t<T>;
        dx.data[i] = T(Activation::times_slope(C(dy.data[i]), C(x.data[i])));
    }
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
