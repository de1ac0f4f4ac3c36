#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/problem/gemm.hpp>

// Products with what a layer does to their result, or to an operand, in the same go where a device can.
namespace midtrain::inline MT_ABI {

/// c = op(a) op(b) + bias in each row; where `gelu` points, it gets gelu_tanh(c) (Hendrycks and Gimpel 2016). Not accumulated.
template <class T>
struct biased_gemm_problem {
    gemm_problem<T, T, T> product;
    row_view<T const>     bias;    // (c.columns), or none
    matrix_view<T>        gelu{};  // like c and dense as c, or none
};

/// c = op(a) op(b) * gelu_tanh'(before): a gradient through the activation. Not accumulated.
template <class T>
struct gelu_gradient_gemm_problem {
    gemm_problem<T, T, T> product;
    matrix_view<T const>  before;  // like c and dense as c
};

/// The gradients of a layer's weight and bias: c += a^T b, and sums += the sums of a's columns.
template <class T>
struct summed_gemm_problem {
    using computed = computed_t<T>;

    gemm_problem<T, T, computed> product;  // a transposed
    row_view<computed>           sums;     // (a.columns)
    row_view<computed>           work;     // (op::row_parts(a.rows) * a.columns)
};

}  // namespace midtrain::inline MT_ABI
