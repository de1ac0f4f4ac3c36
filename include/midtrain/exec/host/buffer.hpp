#pragma once
#include <cstddef>
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
        std::size_t const unit = alignment(n), bytes = (static_cast<std::size_t>(n) * sizeof(T) + unit - 1) / unit * unit;
        data_                  = static_cast<T*>(::operator new(bytes, std::align_val_t{unit}));
        if (unit == page) madvise(data_, bytes, MADV_HUGEPAGE);
        std::memset(static_cast<void*>(data_), 0, bytes);
    }
    ~host_buffer() {
        if (data_) ::operator delete(data_, std::align_val_t{alignment(count_)});
    }
    host_buffer(host_buffer&& other) noexcept { *this = std::move(other); }
    host_buffer& operator=(host_buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }

    row_view<T> view() const { return {data_, count_}; }
    index_t     size() const { return count_; }

  private:
    static constexpr std::size_t page = std::size_t{1} << 21;
    static std::size_t           alignment(index_t n) { return static_cast<std::size_t>(n) * sizeof(T) >= page ? page : 64; }

    T*      data_  = nullptr;
    index_t count_ = 0;
};

}  // namespace midtrain::inline MT_ABI
