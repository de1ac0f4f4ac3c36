#pragma once
#include <midtrain/problem/batched_gemm.hpp>

namespace midtrain::inline MT_ABI {

/// One after the other.
template <class Device, class A, class B, class C>
void plain(Device& device, batched_gemm_problem<A, B, C> const& p) {
    for (index_t i = 0; i < p.count; ++i) device.gemm(p.product(i));
}

}  // namespace midtrain::inline MT_ABI
