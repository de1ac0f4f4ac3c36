#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/cuda/kernels.cuh>
#include <midtrain/op/add_then.hpp>
#include <midtrain/op/column_sums.hpp>
#include <midtrain/op/cross_entropy.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/embedding.hpp>
#include <midtrain/op/head_norm.hpp>
#include <midtrain/op/norm.hpp>
#include <midtrain/op/rope.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/optim/elementwise_step.hpp>
#include <midtrain/precision/precision.hpp>

// Kernels that take the time of a step beside products and attention, as exec/cuda launches them. hot_kernels.py reads what nvcc made of
// them; nothing runs.
namespace mt = midtrain;

using warp  = mt::warp_team<mt::detail::cuda_lanes>;
using block = mt::block_team<mt::detail::threads_in_block, mt::detail::cuda_lanes>;

template <class Team, class F>
void rows(F const& f) {
    mt::detail::rows_kernel<Team, F><<<1, mt::detail::threads_in_block>>>(1, f);
}
template <class F>
void elements(F const& f) {
    mt::detail::elements_kernel<mt::by_packs<F>><<<1, mt::detail::threads_in_block>>>(1, {f, 1});
}

template <class T>
void all() {
    using C         = mt::computed_t<T>;
    using precision = std::conditional_t<std::is_same_v<T, float>, mt::fp32, mt::bf16_mixed>;
    rows<warp>(mt::op::rmsnorm_forward<T>{});
    rows<block>(mt::op::rmsnorm_forward<T>{});
    rows<warp>(mt::op::rmsnorm_backward<T>{});
    rows<block>(mt::op::rmsnorm_backward<T>{});
    rows<warp>(mt::op::add_then<T, mt::op::rmsnorm_forward<T>>{});
    rows<warp>(mt::op::layernorm_forward<T>{});
    rows<warp>(mt::op::layernorm_backward<T>{});
    rows<warp>(mt::op::head_norm_forward<T>{});
    rows<warp>(mt::op::head_norm_backward<T>{});
    rows<warp>(mt::op::sum_rows<mt::op::rmsnorm_gain_sums<T>>{});
    rows<warp>(mt::op::sum_rows<mt::op::layernorm_parameters_sums<T>>{});
    rows<warp>(mt::op::sum_rows<mt::op::head_norm_gain_sums<T>>{});
    rows<warp>(mt::op::sum_rows<mt::op::bias_sums<T>>{});
    rows<warp>(mt::op::sum_of_parts<C>{});
    rows<warp>(mt::op::rope<T>{});
    rows<warp>(mt::op::swiglu_forward<T>{});
    rows<block>(mt::op::swiglu_forward<T>{});
    rows<warp>(mt::op::swiglu_backward<T>{});
    rows<block>(mt::op::swiglu_backward<T>{});
    rows<block>(mt::op::cross_entropy<T>{});
    rows<warp>(mt::op::add_bias<T>{});
    rows<warp>(mt::op::embedding_forward<T>{});
    rows<warp>(mt::op::embedding_backward<T>{});
    rows<warp>(mt::op::embedding_carry<T>{});
    elements(mt::op::add<T>{});
    elements(mt::op::gelu_forward<T>{});
    elements(mt::op::gelu_backward<T>{});
    elements(mt::op::convert<float, T>{});
    rows<warp>(mt::elementwise_step<mt::adamw, precision>{});
    rows<block>(mt::squares_of_part<C>{});
}

template void all<float>();
template void all<mt::bf16>();
