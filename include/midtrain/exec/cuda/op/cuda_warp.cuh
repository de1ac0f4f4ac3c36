#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/pack.hpp>

namespace midtrain::inline MT_ABI::detail {

/// One thread as its warp, for tile_math.hpp: of a value for each lane it has its own.
class cuda_warp {
  public:
    template <class V>
    using of_lanes = V;

    __device__ int number() const { return static_cast<int>(threadIdx.x) / 32; }
    template <class F>
    __device__ void each(F f) const {
        f(static_cast<int>(threadIdx.x) % 32);
    }
    template <class V>
    __device__ static V& of(V& v, int) {
        return v;
    }

    __device__ void copy16(void* to, void const* from, bool real) const {
        int const bytes = real ? 16 : 0;
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared(to)), "l"(from), "r"(bytes) : "memory");
    }
    __device__ void commit() const { asm volatile("cp.async.commit_group;" ::: "memory"); }
    template <int n>
    __device__ void wait() const {
        asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
    }
    __device__ void meet_block() const { __syncthreads(); }

    template <bool turned, class At>
    __device__ void load4(pack<unsigned, 4>& to, At at) const {
        unsigned const from = shared(at(static_cast<int>(threadIdx.x) % 32));
        if constexpr (turned)
            asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                         : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(from) : "memory");
        else
            asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                         : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(from) : "memory");
    }
    __device__ void multiply(pack<float, 4>& sum, pack<unsigned, 4> const& a, pack<unsigned, 4> const& b, int which) const {
        asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[2 * which]), "r"(b[2 * which + 1]));
    }

    /// Halves of the values change lanes until each lane has the sum of one: 31 shuffles for 32 sums.
    template <class C>
    __device__ void sum_each(pack<C, 32>& v, C& to) const {
        swap_halves<16>(v);
        to = v[0];
    }

  private:
    /// By name of every place, so that v stays in registers.
    template <int half, class C>
    __device__ static void swap_halves(pack<C, 32>& v) {
        bool const upper = threadIdx.x & half;
#pragma unroll
        for (int i = 0; i < half; ++i) {
            C const low = v[i], high = v[i + half];
            v[i] = (upper ? high : low) + __shfl_xor_sync(0xffffffffu, upper ? low : high, half);
        }
        if constexpr (half > 1) swap_halves<half / 2>(v);
    }
    __device__ static unsigned shared(void const* p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }
};

}  // namespace midtrain::inline MT_ABI::detail
