#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/pack.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>

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

/// y = silu(gate) * up, where a row of x holds gate then up (Shazeer 2020). One row a team.
template <class T>
struct swiglu_forward {
    matrix_view<T const> x;  // (rows, 2 * width)
    matrix_view<T>       y;  // (rows, width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C         = computed_t<T>;
        auto const n    = y.columns;
        auto const gate = x.row(r).data;
        auto const up   = gate + n;
        auto const out  = y.row(r).data;
        team.each(n, [=](index_t i) { out[i] = T(C(gate[i]) * logistic(C(gate[i])) * C(up[i])); });
    }
};

/// dx of swiglu_forward; may be written over x itself. One row a team.
template <class T>
struct swiglu_backward {
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
            C const g = C(in[i]), u = C(in[n + i]), s = logistic(g), t = C(d[i]);
            out[i]     = T(t * u * s * (C(1) + g * (C(1) - s)));
            out[n + i] = T(t * g * s);
        });
    }
};

/// y = 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the form GPT-2 uses (Hendrycks and Gimpel 2016).
template <class T>
struct gelu_forward {
    row_view<T const> x;
    row_view<T>       y;

    MT_HOST_DEVICE void operator()(index_t i) const {
        using C   = computed_t<T>;
        C const v = C(x.data[i]);
        C const t = hyperbolic_tangent(C(0.79788456080286535588) * (v + C(0.044715) * v * v * v));
        y.data[i] = T(C(0.5) * v * (C(1) + t));
    }
};

/// dx of gelu_forward.
template <class T>
struct gelu_backward {
    row_view<T const> x, dy;
    row_view<T>       dx;

    MT_HOST_DEVICE void operator()(index_t i) const {
        using C       = computed_t<T>;
        C const k     = C(0.79788456080286535588);
        C const v     = C(x.data[i]);
        C const t     = hyperbolic_tangent(k * (v + C(0.044715) * v * v * v));
        C const slope = k * (C(1) + C(3 * 0.044715) * v * v) * (C(1) - t * t);
        dx.data[i]    = T(C(dy.data[i]) * C(0.5) * (C(1) + t + v * slope));
    }
};

}  // namespace midtrain::inline MT_ABI::op
