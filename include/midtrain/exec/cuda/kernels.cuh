#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>
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

/// Rows up to this many values go to a warp each: four packs of bfloat16 for each lane, where a block of 256 threads would leave most of
/// them idle and meet twice for each sum.
inline constexpr index_t most_of_a_warp = 2048;

/// Rows by warps, eight a block, or by blocks. A functor says how many values a row has, by `static constexpr index_t row_values` or by
/// `index_t row_width() const`; one that does not has rows as wide as the model, which go to blocks.
template <class F>
void launch_rows(cudaStream_t stream, index_t n, F const& f) {
    auto const by = [&]<class Team>(Team*) {
        constexpr index_t teams = threads_in_block / Team::size;
        rows_kernel<Team, F><<<static_cast<unsigned>(std::min<index_t>((n + teams - 1) / teams, 0x7fffffff)), threads_in_block, 0, stream>>>(n, f);
    };
    using warp  = warp_team<cuda_lanes>;
    using block = block_team<threads_in_block, cuda_lanes>;
    if constexpr (requires { F::row_values; }) {
        by(static_cast<std::conditional_t<(F::row_values <= most_of_a_warp), warp, block>*>(nullptr));
    } else if constexpr (requires { f.row_width(); }) {
        if (f.row_width() <= most_of_a_warp) by(static_cast<warp*>(nullptr));
        else by(static_cast<block*>(nullptr));
    } else {
        by(static_cast<block*>(nullptr));
    }
}

}  // namespace midtrain::inline MT_ABI::detail
