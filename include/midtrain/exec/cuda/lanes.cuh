#pragma once
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <cuda_runtime.h>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI::detail {

/// One thread of a block, as warp_team and block_team ask for it (teams.hpp).
class cuda_lanes {
  public:
    static constexpr int slot_size = 16, most_warps = 32;

    /// `slots`: shared memory, slot_size bytes a warp, aligned to as many.
    __device__ explicit cuda_lanes(std::byte* slots) : slots_(slots) {}

    __device__ int number() const { return static_cast<int>(threadIdx.x); }

    template <class T>
    __device__ T down(T x, int by) const {
        return by_words(x, [=](unsigned word) { return __shfl_down_sync(0xffffffffu, word, by); });
    }
    template <class T>
    __device__ T of_first(T x) const {
        return by_words(x, [](unsigned word) { return __shfl_sync(0xffffffffu, word, 0); });
    }

    template <class T>
    __device__ T* slot(int warp) const {
        static_assert(sizeof(T) <= slot_size && std::is_trivially_copyable_v<T>, "midtrain: a reduction's value has up to 16 bytes");
        return reinterpret_cast<T*>(slots_ + warp * slot_size);
    }

    __device__ void meet_warp() const { __syncwarp(); }
    __device__ void meet_block() const { __syncthreads(); }

  private:
    template <class T, class Move>
    __device__ static T by_words(T x, Move move) {
        static_assert(sizeof(T) % 4 == 0 && std::is_trivially_copyable_v<T>, "midtrain: shuffles move whole words of 32 bits");
        unsigned words[sizeof(T) / 4];
        memcpy(words, &x, sizeof(T));
        for (unsigned& w : words) w = move(w);
        memcpy(&x, words, sizeof(T));
        return x;
    }

    std::byte* slots_;
};

}  // namespace midtrain::inline MT_ABI::detail
