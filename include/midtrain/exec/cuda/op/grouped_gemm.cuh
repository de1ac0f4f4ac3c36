#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/exec/cuda/op/cuda_warp.cuh>
#include <midtrain/exec/cuda/op/grouped_product.hpp>
#include <midtrain/op/grouped_gemm.hpp>
#include <midtrain/op/scaled_product.hpp>

// Products of groups that only the GPU knows, without asking it. Floor: 2 rows k columns operations over the rate of mma.sync with bf16,
// which on Hopper is about two thirds of what wgmma has; or each operand and result once over the memory's bandwidth.
namespace midtrain::inline MT_ABI {

namespace detail {

template <class Math>
inline constexpr int tile_threads = 32 * Math::warps;

/// f as the blocks of the GPU do it. Two blocks fit into a multiprocessor.
template <class Math, class F>
MT_KERNEL void __launch_bounds__(tile_threads<Math>, 2) tile_kernel(F const f) {
    extern __shared__ pack<unsigned, 4> tile_memory[];
    f(cuda_warp{}, reinterpret_cast<typename Math::value*>(tile_memory), index_t{blockIdx.x}, index_t{gridDim.x});
}

template <class Math, class F>
void launch_tiles(cuda& device, F const& f) {
    constexpr int bytes = F::product::shared * static_cast<int>(sizeof(typename Math::value));
    cuda_check(cudaFuncSetAttribute(tile_kernel<Math, F>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), "cudaFuncSetAttribute");
    auto const blocks = static_cast<unsigned>(std::min<index_t>(f.tiles(), 2 * index_t{device.processors()}));
    if (blocks == 0) return;
    tile_kernel<Math, F><<<blocks, tile_threads<Math>, bytes, device.stream()>>>(f);
    cuda_check(cudaGetLastError(), "launch of a grouped product");
}

template <class T>
using math_of = std::conditional_t<std::is_same_v<T, bf16>, tensor_math, lane_math<T>>;

/// Whether every row begins at a multiple of 16 bytes and has whole ones.
template <class T>
bool in_chunks(matrix_view<T> m) {
    constexpr int chunk = 16 / sizeof(T);
    return m.columns % chunk == 0 && m.stride % chunk == 0 && aligned_for_packs<chunk>(m.data);
}

}  // namespace detail

namespace detail {

template <class T, class C>
bool run_groups(cuda& device, grouped_gemm_problem<T, T, C> const& p, group_scales const& scales) {
    if (!in_chunks(p.a) || !in_chunks(p.b) || !in_chunks(p.c)) return false;
    using math = math_of<T>;
    if (p.b_is == operand::transposed) launch_tiles<math>(device, grouped_gemm_block<math, true, C>{p, scales});
    else launch_tiles<math>(device, grouped_gemm_block<math, false, C>{p, scales});
    return true;
}
template <class T, class C>
bool run_groups(cuda& device, grouped_outer_problem<T, T, C> const& p, group_scales const& scales) {
    if (!in_chunks(p.a) || !in_chunks(p.b) || !in_chunks(p.c)) return false;
    using math = math_of<T>;
    launch_tiles<math>(device, grouped_outer_block<math, C>{p, scales});
    return true;
}
template <class T>
bool scaled_as_a_whole(scaled_matrix<T> const& m) {
    return m.row_shift == scaled_matrix<T>::whole && m.column_shift == scaled_matrix<T>::whole;
}

}  // namespace detail

/// Where all rows are whole 16 bytes.
template <class T, class C>
bool tuned(cuda& device, grouped_gemm_problem<T, T, C> const& p) {
    return detail::run_groups(device, p, {});
}
template <class T, class C>
bool tuned(cuda& device, grouped_outer_problem<T, T, C> const& p) {
    return detail::run_groups(device, p, {});
}
/// Of values that eight bits hold, too, where each matrix has one scale: they go through the tensor cores as what they are stored in.
template <class T, class C>
bool tuned(cuda& device, scaled_grouped_gemm_problem<T, C> const& p) {
    return detail::scaled_as_a_whole(p.a) && detail::scaled_as_a_whole(p.b) &&
           detail::run_groups(device, grouped_gemm_problem<T, T, C>{p.a.values, p.b.values, p.b_is, p.c, p.begin},
                              {p.a.scales.data, p.b.scales.data, p.b.scales.stride});
}
template <class T, class C>
bool tuned(cuda& device, scaled_grouped_outer_problem<T, C> const& p) {
    return detail::scaled_as_a_whole(p.a) && detail::scaled_as_a_whole(p.b) &&
           detail::run_groups(device, grouped_outer_problem<T, T, C>{p.a.values, p.b.values, p.c, p.begin},
                              {p.a.scales.data, p.b.scales.data, 0});
}

}  // namespace midtrain::inline MT_ABI
