#pragma once
#include <midtrain/op/activation.hpp>
#include <midtrain/op/column_sums.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/problem/fused_gemm.hpp>

namespace midtrain::inline MT_ABI {

/// What comes after the product, when that is done.
template <class Device, class T>
void follow(Device& device, biased_gemm_problem<T> const& p) {
    auto const c = p.product.c;
    if (p.bias.size() > 0) device.rows(c.rows, op::add_bias<T>{c, p.bias});
    if (p.gelu.size() > 0) device.elements(c.size(), op::activated_forward<T, op::gelu_tanh>{c.flat(), p.gelu.flat()});
}
template <class Device, class T>
void follow(Device& device, gelu_gradient_gemm_problem<T> const& p) {
    auto const c = p.product.c;
    device.elements(c.size(), op::activated_backward<T, op::gelu_tanh>{p.before.flat(), c.flat(), c.flat()});
}
template <class Device, class T>
void follow(Device& device, summed_gemm_problem<T> const& p) {
    auto const a = p.product.a;
    op::add_column_sums(device, op::bias_sums<T>{a}, as_matrix(p.work.data, op::row_parts(a.rows), a.columns), p.sums);
}

template <class Device, class T>
void plain(Device& device, biased_gemm_problem<T> const& p) {
    device.gemm(p.product);
    follow(device, p);
}
template <class Device, class T>
void plain(Device& device, gelu_gradient_gemm_problem<T> const& p) {
    device.gemm(p.product);
    follow(device, p);
}
template <class Device, class T>
void plain(Device& device, summed_gemm_problem<T> const& p) {
    device.gemm(p.product);
    follow(device, p);
}

}  // namespace midtrain::inline MT_ABI
