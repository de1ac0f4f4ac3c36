#pragma once
#include <cstddef>
#include <string>
#include <utility>
#include <cuda_runtime.h>
#include <midtrain/core/view.hpp>
#include <midtrain/exec/cuda/check.cuh>

namespace midtrain::inline MT_ABI {

/// Owns n values of a GPU's memory, zeroed in the order of the stream. The host reads them through cuda::download only.
template <class T>
class cuda_buffer {
  public:
    cuda_buffer() = default;
    cuda_buffer(index_t n, cudaStream_t stream) {
        if (n <= 0) return;
        auto const bytes  = static_cast<std::size_t>(n) * sizeof(T);
        void*      memory = nullptr;
        detail::cuda_check(cudaMalloc(&memory, bytes), ("cudaMalloc of " + std::to_string(bytes) + " bytes").c_str());
        data_  = static_cast<T*>(memory);
        count_ = n;
        detail::cuda_check(cudaMemsetAsync(memory, 0, bytes, stream), "cudaMemsetAsync");
    }
    ~cuda_buffer() { cudaFree(data_); }  // waits for the work that may still use it
    cuda_buffer(cuda_buffer&& other) noexcept { *this = std::move(other); }
    cuda_buffer& operator=(cuda_buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }

    row_view<T> view() const { return {data_, count_}; }
    index_t     size() const { return count_; }

  private:
    T*      data_  = nullptr;
    index_t count_ = 0;
};

}  // namespace midtrain::inline MT_ABI
