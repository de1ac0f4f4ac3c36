#pragma once
#include <cmath>
#include <midtrain/core/fast_exp.hpp>

namespace midtrain::inline MT_ABI {

// What kernels call on one value, by the type they compute in: branch-free polynomials for float, the library for double. Always inline:
// one call left standing keeps a loop from becoming vector code.

/// Square roots, quotients and exponentials of float are a GPU's own instructions there, with 1 to 2 ulp and an exponential's argument rounded
/// once more (relative error |x| 6e-8), since the exact ones cost a call each: more than the memory that passes wait for.
MT_HOST_DEVICE MT_INLINE float root(float x) {
    [[maybe_unused]] float y = 0;
    MT_BY_DEVICE({ asm("sqrt.approx.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }, return std::sqrt(x););
}
MT_HOST_DEVICE MT_INLINE double root(double x) { return std::sqrt(x); }

/// 1 / x.
MT_HOST_DEVICE MT_INLINE float reciprocal(float x) {
    [[maybe_unused]] float y = 0;
    MT_BY_DEVICE({ asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x)); return y; }, return 1.0f / x;);
}
MT_HOST_DEVICE MT_INLINE double reciprocal(double x) { return 1.0 / x; }

/// a / b.
MT_HOST_DEVICE MT_INLINE float  quotient(float a, float b) { return MT_BY_DEVICE(a * reciprocal(b), a / b); }
MT_HOST_DEVICE MT_INLINE double quotient(double a, double b) { return a / b; }

MT_HOST_DEVICE MT_INLINE float exponential(float x) {
    [[maybe_unused]] float y = 0;
    MT_BY_DEVICE({ asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x * 1.44269504f)); return y; }, return fast_exp(x););
}
MT_HOST_DEVICE MT_INLINE double exponential(double x) { return std::exp(x); }

MT_HOST_DEVICE MT_INLINE float  logarithm(float x) { return std::log(x); }
MT_HOST_DEVICE MT_INLINE double logarithm(double x) { return std::log(x); }

/// tanh(x) = 1 - 2 / (exp(2x) + 1): absolute error of a few ulp of one, which is what GELU needs.
template <class C>
MT_HOST_DEVICE MT_INLINE C hyperbolic_tangent(C x) {
    return C(1) - C(2) * reciprocal(exponential(C(2) * x) + C(1));
}

/// 1 / (1 + exp(-x)).
template <class C>
MT_HOST_DEVICE MT_INLINE C logistic(C x) {
    return reciprocal(C(1) + exponential(-x));
}

/// log(1 + t) for t in 0 .. 1 to full relative precision: for float 2 atanh(t / (2 + t)), whose rest is below 1e-9.
MT_HOST_DEVICE MT_INLINE float log_one_plus(float t) {
    float const s = t / (2.0f + t), q = s * s;
    float       p = 1.0f / 15.0f;
    p             = p * q + 1.0f / 13.0f;
    p             = p * q + 1.0f / 11.0f;
    p             = p * q + 1.0f / 9.0f;
    p             = p * q + 1.0f / 7.0f;
    p             = p * q + 1.0f / 5.0f;
    p             = p * q + 1.0f / 3.0f;
    return 2.0f * (s + s * q * p);
}
MT_HOST_DEVICE MT_INLINE double log_one_plus(double t) { return std::log1p(t); }

/// log(1 + exp(x)).
template <class C>
MT_HOST_DEVICE MT_INLINE C softplus(C x) {
    C const size = std::fabs(x);
    return C(0.5) * (x + size) + log_one_plus(exponential(-size));
}

}  // namespace midtrain::inline MT_ABI
