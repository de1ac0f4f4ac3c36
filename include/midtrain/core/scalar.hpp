#pragma once
#include <cmath>
#include <midtrain/core/fast_exp.hpp>

namespace midtrain::inline MT_ABI {

// What kernels call on one value, by the type they compute in: branch-free polynomials for float, the library for double. Always inline:
// one call left standing keeps a loop from becoming vector code.

MT_HOST_DEVICE MT_INLINE float  root(float x) { return std::sqrt(x); }
MT_HOST_DEVICE MT_INLINE double root(double x) { return std::sqrt(x); }

MT_HOST_DEVICE MT_INLINE float  exponential(float x) { return fast_exp(x); }
MT_HOST_DEVICE MT_INLINE double exponential(double x) { return std::exp(x); }

MT_HOST_DEVICE MT_INLINE float  logarithm(float x) { return std::log(x); }
MT_HOST_DEVICE MT_INLINE double logarithm(double x) { return std::log(x); }

/// tanh(x) = 1 - 2 / (exp(2x) + 1): absolute error of a few ulp of one, which is what GELU needs.
template <class C>
MT_HOST_DEVICE MT_INLINE C hyperbolic_tangent(C x) {
    return C(1) - C(2) / (exponential(C(2) * x) + C(1));
}

/// 1 / (1 + exp(-x)).
template <class C>
MT_HOST_DEVICE MT_INLINE C logistic(C x) {
    return C(1) / (C(1) + exponential(-x));
}

}  // namespace midtrain::inline MT_ABI
