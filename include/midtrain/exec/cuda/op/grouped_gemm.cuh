#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/exec/cuda/op/cuda_warp.cuh>
#include <midtrain/exec/cuda/op/grouped_product.hpp>
#include <midtrain/op/grouped_gemm.hpp>

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

/// Where all rows are whole 16 bytes.
template <class T, class C>
bool tuned(cuda& device, grouped_gemm_problem<T, T, C> const& p) {
    if (!detail::in_chunks(p.a) || !detail::in_chunks(p.b) || !detail::in_chunks(p.c)) return false;
    using math = detail::math_of<T>;
    if (p.b_is == operand::transposed) detail::launch_tiles<math>(device, detail::grouped_gemm_block<math, true, C>{p});
    else detail::launch_tiles<math>(device, detail::grouped_gemm_block<math, false, C>{p});
    return true;
}
template <class T, class C>
bool tuned(cuda& device, grouped_outer_problem<T, T, C> const& p) {
    if (!detail::in_chunks(p.a) || !detail::in_chunks(p.b) || !detail::in_chunks(p.c)) return false;
    using math = detail::math_of<T>;
    detail::launch_tiles<math>(device, detail::grouped_outer_block<math, C>{p});
    return true;
}

}  // namespace midtrain::inline MT_ABI
