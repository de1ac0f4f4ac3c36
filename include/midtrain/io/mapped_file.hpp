#pragma once
#include <cstddef>
#include <fcntl.h>
#include <span>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::io {

/// A file's bytes, mapped for reading.
class mapped_file {
  public:
    explicit mapped_file(std::string path) : path_(std::move(path)) {
        int const file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
        check(file >= 0, [&] { return path_ + ": cannot be opened"; });
        struct stat s {};
        bool const regular = ::fstat(file, &s) == 0 && S_ISREG(s.st_mode);
        size_              = regular ? static_cast<std::size_t>(s.st_size) : 0;
        void* const at     = size_ > 0 ? ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
        ::close(file);
        check(regular && size_ > 0, [&] { return path_ + (regular ? ": is empty" : ": is not a file"); });
        check(at != MAP_FAILED, [&] { return path_ + ": cannot be mapped"; });
        data_ = static_cast<std::byte const*>(at);
    }
    ~mapped_file() {
        if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
    }
    mapped_file(mapped_file&& other) noexcept
        : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
    mapped_file& operator=(mapped_file&&) = delete;

    std::span<std::byte const> bytes() const { return {data_, size_}; }
    std::string const&         path() const { return path_; }

  private:
    std::string      path_;
    std::byte const* data_ = nullptr;
    std::size_t      size_ = 0;
};

}  // namespace midtrain::inline MT_ABI::io
