#pragma once
#include <string>
#include <cublasLt.h>
#include <cuda_runtime.h>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::detail {

/// Throws midtrain::error that names the call, unless it went well.
inline void cuda_check(cudaError_t status, char const* call) {
    check(status == cudaSuccess, [&] { return std::string(call) + ": " + cudaGetErrorString(status); });
}
inline void cuda_check(cublasStatus_t status, char const* call) {
    check(status == CUBLAS_STATUS_SUCCESS, [&] { return std::string(call) + ": " + cublasLtGetStatusString(status); });
}

}  // namespace midtrain::inline MT_ABI::detail
