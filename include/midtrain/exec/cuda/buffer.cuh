#pragma once
#include <cstddef>
#include <utility>
#include <cuda_runtime.h>
#include <midtrain/core/view.hpp>
#include <midtrain/exec/cuda/check.cuh>
#include <midtrain/exec/cuda/waits.cuh>

namespace midtrain::inline MT_ABI {

/// Owns n values of a GPU's memory, zeroed in the order of the stream. The host reads them through cuda::download and cuda::fetch only.
template <class T>
class cuda_buffer {
  public:
    cuda_buffer() = default;
    cuda_buffer(index_t n, cudaStream_t stream) {
        if (n <= 0) return;
        auto const bytes = static_cast<std::size_t>(n) * sizeof(T);
        data_            = static_cast<T*>(detail::allocate_on_gpu(bytes));
        count_           = n;
        detail::cuda_check(cudaMemsetAsync(data_, 0, bytes, stream), "cudaMemsetAsync");
    }
    ~cuda_buffer() { detail::free_on_gpu(data_); }
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

/// Owns n values of the host's memory that a GPU copies from and to while the host goes on.
template <class T>
class pinned_buffer {
  public:
    pinned_buffer() = default;
    explicit pinned_buffer(index_t n) {
        if (n <= 0) return;
        data_  = static_cast<T*>(detail::allocate_pinned(static_cast<std::size_t>(n) * sizeof(T)));
        count_ = n;
    }
    ~pinned_buffer() { detail::free_pinned(data_); }
    pinned_buffer(pinned_buffer&& other) noexcept { *this = std::move(other); }
    pinned_buffer& operator=(pinned_buffer&& other) noexcept {
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
