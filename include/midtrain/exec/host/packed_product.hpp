#pragma once
#include <type_traits>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/longest_registers.hpp>
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
        auto task = [&](int t) {
            if constexpr (MT_AMX_IS_KNOWN && std::is_same_v<A, bf16> && std::is_same_v<B, bf16>)
                if (amx::available()) return amx::call([&](int thread) { packed_gemm<matrix_tiles<C>, A, B, C>::run(thread, pool.size(), p); }, t);
            in_longest_registers([&](auto bytes, int thread) { packed_gemm<vector_tiles<A, B, C, bytes>, A, B, C>::run(thread, pool.size(), p); }, t);
        };
        pool.run(task);
    }
};

}  // namespace midtrain::inline MT_ABI::detail
