#pragma once
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <sys/mman.h>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Owns n zeroed values, aligned to 64 bytes (to 2 MiB pages when large).
template <class T>
class host_buffer {
  public:
    host_buffer() = default;
    explicit host_buffer(index_t n) : count_(n) {
        if (n <= 0) return;
        std::size_t const bytes = static_cast<std::size_t>(n) * sizeof(T), page = std::size_t{1} << 21;
        std::size_t const alignment = bytes >= page ? page : 64;
        std::size_t const rounded   = (bytes + alignment - 1) / alignment * alignment;
        data_                       = static_cast<T*>(std::aligned_alloc(alignment, rounded));
        if (!data_) throw std::bad_alloc();
        if (alignment == page) madvise(data_, rounded, MADV_HUGEPAGE);
        std::memset(static_cast<void*>(data_), 0, rounded);
    }
    ~host_buffer() { std::free(data_); }
    host_buffer(host_buffer&& other) noexcept { *this = std::move(other); }
    host_buffer& operator=(host_buffer&& other) noexcept {
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
