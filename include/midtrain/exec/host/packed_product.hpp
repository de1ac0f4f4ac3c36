#pragma once
#include <type_traits>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/matrix_tiles.hpp>
#include <midtrain/exec/host/packed_gemm.hpp>
#include <midtrain/exec/host/thread_pool.hpp>
#include <midtrain/exec/host/vector_tiles.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

/// A product on all threads of a pool, with the matrix units or else the longest registers that the processor has.
template <class A, class B, class C>
class packed_product {
  public:
    static void run(thread_pool& pool, gemm_problem<A, B, C> const& p) {
        [[maybe_unused]] bool const wide = MT_HAS_WIDE;
        auto                        task = [&](int t) {
#if MT_AMX_IS_KNOWN
            if constexpr (has_matrix_tiles)
                if (amx::available()) return in_matrix_units(t, pool.size(), p);
#endif
            if constexpr (!MT_WIDE_IS_CHOSEN) in_wide<MT_VECTOR_BYTES>(t, pool.size(), p);
            else wide ? in_wide<64>(t, pool.size(), p) : in_all(t, pool.size(), p);
        };
        pool.run(task);
    }

  private:
    template <int bytes>
    MT_WIDE static void in_wide(int thread, int threads, gemm_problem<A, B, C> const& p) {
        packed_gemm<vector_tiles<A, B, C, bytes>, A, B, C>::run(thread, threads, p);
    }
    static void in_all(int thread, int threads, gemm_problem<A, B, C> const& p) {
        packed_gemm<vector_tiles<A, B, C, MT_VECTOR_BYTES>, A, B, C>::run(thread, threads, p);
    }
#if MT_AMX_IS_KNOWN
    static constexpr bool has_matrix_tiles = std::is_same_v<A, bf16> && std::is_same_v<B, bf16>;
    MT_AMX static void    in_matrix_units(int thread, int threads, gemm_problem<A, B, C> const& p) {
        packed_gemm<matrix_tiles<C>, A, B, C>::run(thread, threads, p);
    }
#endif
};

}  // namespace midtrain::inline MT_ABI::detail
