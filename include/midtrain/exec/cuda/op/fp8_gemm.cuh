#pragma once
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/op/fp8_bytes.hpp>
#include <midtrain/problem/fp8_gemm.hpp>

namespace midtrain::inline MT_ABI {

/// By cuBLASLt, whose sums of eight bits are kept in float throughout.
template <class A, class B, class C>
bool tuned(cuda& device, fp8_gemm_problem<A, B, C> const& p) {
    return device.products().fused(p);
}

}  // namespace midtrain::inline MT_ABI
