#pragma once
#include <type_traits>
#include <midtrain/exec/cuda/cuda.cuh>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/fused_gemm.hpp>

namespace midtrain::inline MT_ABI {

/// cuBLASLt's epilogues, for which there is no second pass over the result. Of doubles it has none.
template <class T>
bool tuned(cuda& device, biased_gemm_problem<T> const& p) {
    if constexpr (std::is_same_v<T, double>) return false;
    else return device.products().fused(p);
}
template <class T>
bool tuned(cuda& device, gelu_gradient_gemm_problem<T> const& p) {
    if constexpr (std::is_same_v<T, double>) return false;
    else return device.products().fused(p);
}
template <class T>
bool tuned(cuda& device, summed_gemm_problem<T> const& p) {
    if constexpr (std::is_same_v<T, double>) return false;
    else {
        if (!device.products().fused(p)) return false;
        device.elements(p.sums.size(), op::add<computed_t<T>>{p.sums, p.work, p.sums});
        return true;
    }
}

}  // namespace midtrain::inline MT_ABI
