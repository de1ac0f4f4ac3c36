#pragma once
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/exec/cuda/op/cuda_warp.cuh>
#include <midtrain/exec/cuda/op/scan_chunks_backward.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

inline constexpr int threads_of_warps = 128;

/// f(warp, i) for each i in 0 .. n - 1.
template <class F>
MT_KERNEL void __launch_bounds__(threads_of_warps) warps_kernel(index_t n, F const f) {
    index_t const i = index_t{blockIdx.x} * (threads_of_warps / 32) + threadIdx.x / 32;
    if (i < n) f(cuda_warp{}, i);
}
template <class Problem>
bool scanned_by_chunks(cuda& device, Problem const& p) {
    scan_by_chunks(device, [&](index_t n, auto const& f) {
        constexpr index_t each = threads_of_warps / 32;
        warps_kernel<<<static_cast<unsigned>((n + each - 1) / each), threads_of_warps, 0, device.stream()>>>(n, f);
        cuda_check(cudaGetLastError(), "launch of a scan");
    }, p);
    return true;
}

}  // namespace detail

/// All chunks at once, where training keeps what that needs.
template <class T>
bool tuned(cuda& device, selective_scan_problem<T> const& p) {
    return p.may_go_by_chunks() && detail::scanned_by_chunks(device, p);
}
template <class T>
bool tuned(cuda& device, selective_scan_gradient_problem<T> const& g) {
    return g.forward.may_go_by_chunks() && detail::scanned_by_chunks(device, g);
}

}  // namespace midtrain::inline MT_ABI
