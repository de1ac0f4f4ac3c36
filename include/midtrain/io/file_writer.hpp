#pragma once
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <string>
#include <unistd.h>
#include <utility>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::io {

/// Writes a file under `path + ".partial"`; finish() brings it to the disk and renames, so what bears the name is whole. Without
/// finish() nothing stays.
class file_writer {
  public:
    explicit file_writer(std::string path) : path_(std::move(path)) {
        file_ = ::open(partial().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        require(file_ >= 0, "cannot be made");
    }
    ~file_writer() {
        if (file_ < 0) return;
        ::close(file_);
        ::unlink(partial().c_str());
    }
    file_writer(file_writer&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}
    file_writer& operator=(file_writer&&) = delete;

    std::string const& path() const { return path_; }

    /// Appends.
    void write(std::span<std::byte const> bytes) {
        while (!bytes.empty()) {
            auto const done = ::write(file_, bytes.data(), std::min<std::size_t>(bytes.size(), std::size_t{1} << 30));
            if (done < 0 && errno == EINTR) continue;
            require(done > 0, "cannot be written");
            bytes = bytes.subspan(static_cast<std::size_t>(done));
        }
    }
    /// From here on, write() overwrites from the file's first byte.
    void rewind() { require(::lseek(file_, 0, SEEK_SET) == 0, "cannot be written"); }

    void finish() {
        require(::fsync(file_) == 0, "cannot be brought to the disk");
        require(::rename(partial().c_str(), path_.c_str()) == 0, "cannot be put in place");
        ::close(std::exchange(file_, -1));  // after fsync there is nothing that it could lose
    }

  private:
    std::string partial() const { return path_ + ".partial"; }
    void        require(bool condition, char const* what) const {
        check(condition, [&] { return path_ + ": " + what + ": " + std::strerror(errno); });
    }

    std::string path_;
    int         file_ = -1;
};

}  // namespace midtrain::inline MT_ABI::io
