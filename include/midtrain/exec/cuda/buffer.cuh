#pragma once
#include <cstddef>
#include <utility>
#include <cuda_runtime.h>
#include <midtrain/core/view.hpp>
#include <midtrain/exec/cuda/check.cuh>
#include <midtrain/exec/cuda/waits.cuh>

namespace midtrain::inline MT_ABI {

namespace detail {

/// Owns n values of memory that allocate() made and release() takes back; none where n is not positive.
template <class T, void* (*allocate)(std::size_t), void (*release)(void*)>
class cuda_memory {
  public:
    cuda_memory() = default;
    explicit cuda_memory(index_t n) {
        if (n <= 0) return;
        data_  = static_cast<T*>(allocate(static_cast<std::size_t>(n) * sizeof(T)));
        count_ = n;
    }
    ~cuda_memory() { release(data_); }
    cuda_memory(cuda_memory&& other) noexcept { *this = std::move(other); }
    cuda_memory& operator=(cuda_memory&& other) noexcept {
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

}  // namespace detail

/// Owns n values of a GPU's memory, zeroed in the order of the stream. The host reads them through cuda::download and cuda::fetch only.
template <class T>
class cuda_buffer : public detail::cuda_memory<T, detail::allocate_on_gpu, detail::free_on_gpu> {
  public:
    cuda_buffer() = default;
    cuda_buffer(index_t n, cudaStream_t stream) : cuda_buffer::cuda_memory(n) {
        auto const bytes = static_cast<std::size_t>(this->size()) * sizeof(T);
        if (bytes > 0) detail::cuda_check(cudaMemsetAsync(this->view().data, 0, bytes, stream), "cudaMemsetAsync");
    }
};

/// Owns n values of the host's memory that a GPU copies from and to while the host goes on.
template <class T>
using pinned_buffer = detail::cuda_memory<T, detail::allocate_pinned, detail::free_pinned>;

}  // namespace midtrain::inline MT_ABI
