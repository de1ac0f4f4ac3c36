#include <midtrain/core/bf16.hpp>
#include <midtrain/core/fp8.hpp>
#include <midtrain/exec/cuda/cuda.cuh>

// Kernels of products without a library, of bytes and of the scan, as exec/cuda/op launches them. hot_kernels.py reads what nvcc made of
// them; nothing runs.
namespace mt = midtrain;
using namespace mt::detail;

template <class Math, class F>
void tiles(F const& f) {
    tile_kernel<Math, F><<<1, (tile_threads<Math>)>>>(f);
}
template <class F>
void warps(F const& f) {
    warps_kernel<<<1, threads_of_warps>>>(1, f);
}
template <class Team, class F>
void rows(F const& f) {
    rows_kernel<Team, F><<<1, threads_in_block>>>(1, f);
}

void products() {
    tiles<tensor_math>(grouped_gemm_block<tensor_math, true, mt::bf16>{});
    tiles<tensor_math>(grouped_gemm_block<tensor_math, false, mt::bf16>{});
    tiles<tensor_math>(grouped_outer_block<tensor_math, float>{});
    tiles<lane_math<float>>(grouped_gemm_block<lane_math<float>, true, float>{});
    tiles<lane_math<float>>(grouped_gemm_block<lane_math<float>, false, float>{});
    tiles<lane_math<float>>(grouped_outer_block<lane_math<float>, float>{});
}
void scans() {
    warps(scan_ends<mt::bf16>{});
    warps(scan_outputs<mt::bf16>{});
    warps(scan_gradient_ends<mt::bf16>{});
    warps(scan_gradients<mt::bf16>{});
}
void bytes() {
    using warp = mt::warp_team<cuda_lanes>;
    rows<warp>(mt::op::fp8_bytes_of_whole<mt::bf16, mt::e4m3>{});
    rows<warp>(mt::op::fp8_bytes_of_runs<mt::bf16, mt::e4m3>{});
    rows<warp>(mt::op::fp8_bytes_of_columns<mt::bf16, mt::e4m3>{});
    rows<mt::block_team<threads_in_block, cuda_lanes>>(mt::op::fp8_bytes_of_squares<mt::bf16, mt::e4m3>{});
}
