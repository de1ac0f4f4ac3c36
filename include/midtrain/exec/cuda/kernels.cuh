#pragma once
#include <cstddef>
#include <midtrain/core/types.hpp>
#include <midtrain/exec/cuda/lanes.cuh>
#include <midtrain/exec/cuda/teams.hpp>

// The two kernels through which every functor runs.
namespace midtrain::inline MT_ABI::detail {

inline constexpr int threads_in_block = 256;

/// f(i) for each i in 0 .. n-1.
template <class F>
MT_KERNEL void __launch_bounds__(threads_in_block) elements_kernel(index_t n, F const f) {
    index_t const all = index_t{gridDim.x} * threads_in_block;
    for (index_t i = index_t{blockIdx.x} * threads_in_block + threadIdx.x; i < n; i += all) f(i);
}

/// f(team, r) for each r in 0 .. n-1; a block holds one block team or eight warp teams.
template <class Team, class F>
MT_KERNEL void __launch_bounds__(threads_in_block) rows_kernel(index_t n, F const f) {
    __shared__ alignas(cuda_lanes::slot_size) std::byte slots[cuda_lanes::slot_size * threads_in_block / 32];
    constexpr int teams = threads_in_block / Team::size;
    Team const    team{cuda_lanes(slots)};
    for (index_t r = index_t{blockIdx.x} * teams + threadIdx.x / Team::size; r < n; r += index_t{gridDim.x} * teams) f(team, r);
}

}  // namespace midtrain::inline MT_ABI::detail
