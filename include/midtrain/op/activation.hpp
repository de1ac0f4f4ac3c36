#pragma once
#include <cmath>
#include <midtrain/core/scalar.hpp>

// What MLPs do to one value. Each offers value(x), times_value(d, x) = d * value(x) and times_slope(d, x) = d * value'(x), in the
// order of products that costs least.
namespace midtrain::inline MT_ABI::op {

/// x / (1 + exp(-x)) (Hendrycks and Gimpel 2016; "swish").
struct silu {
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C value(C x) {
        return x * logistic(x);
    }
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C times_value(C d, C x) {
        return d * x * logistic(x);
    }
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C times_slope(C d, C x) {
        C const s = logistic(x);
        return d * s * (C(1) + x * (C(1) - s));
    }
};

/// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the form GPT-2 and Gemma use (Hendrycks and Gimpel 2016).
struct gelu_tanh {
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C value(C x) {
        return C(0.5) * x * (C(1) + inner(x));
    }
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C times_value(C d, C x) {
        return d * value(x);
    }
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C times_slope(C d, C x) {
        C const t = inner(x), slope = C(0.79788456080286535588) * (C(1) + C(3 * 0.044715) * x * x) * (C(1) - t * t);
        return d * C(0.5) * (C(1) + t + x * slope);
    }

  private:
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C inner(C x) {
        return hyperbolic_tangent(C(0.79788456080286535588) * (x + C(0.044715) * x * x * x));
    }
};

/// 0.5 x (1 + erf(x / sqrt(2))), "gelu" in transformers (Hendrycks and Gimpel 2016, eq. 1).
struct gelu_erf {
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C value(C x) {
        return x * share(x);
    }
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C times_value(C d, C x) {
        return d * value(x);
    }
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C times_slope(C d, C x) {
        return d * (share(x) + x * C(0.39894228040143267794) * exponential(C(-0.5) * x * x));
    }

  private:
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C share(C x) {
        return C(0.5) * (C(1) + std::erf(x * C(0.70710678118654752440)));
    }
};

/// max(x, 0)^2 (So et al. 2021, "Primer"; Nemotron).
struct relu_squared {
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C value(C x) {
        return x > C(0) ? x * x : C(0);
    }
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C times_value(C d, C x) {
        return d * value(x);
    }
    template <class C>
    MT_HOST_DEVICE MT_INLINE static C times_slope(C d, C x) {
        return x > C(0) ? C(2) * d * x : C(0);
    }
};

}  // namespace midtrain::inline MT_ABI::op
