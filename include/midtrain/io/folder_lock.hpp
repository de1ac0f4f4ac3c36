#pragma once
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <unistd.h>
#include <utility>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::io {

/// A folder that one process writes at a time: while one lives, its file `lock` is locked and holds the process's number. The lock goes
/// with the process however it ends, so a file that a dead one left behind is taken over.
class folder_lock {
  public:
    folder_lock() = default;
    explicit folder_lock(std::string const& folder) {
        auto const path = folder + "/lock";
        file_           = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        check(file_ >= 0, [&] { return path + ": cannot be made: " + std::strerror(errno); });
        if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
            bool const taken  = errno == EWOULDBLOCK;
            auto const reason = taken ? "is used by process " + owner() + "; two runs cannot write into one folder"
                                      : std::string("cannot be locked: ") + std::strerror(errno);
            ::close(std::exchange(file_, -1));
            throw error(folder + ": " + reason);
        }
        auto const number = std::to_string(::getpid()) + "\n";
        bool const noted =
            ::ftruncate(file_, 0) == 0 && ::pwrite(file_, number.data(), number.size(), 0) == static_cast<ssize_t>(number.size());
        if (noted) return;
        int const why = errno;
        ::close(std::exchange(file_, -1));
        throw error(path + ": cannot be written: " + std::strerror(why));
    }
    ~folder_lock() {
        if (file_ >= 0) ::close(file_);  // the file stays: to remove it would let two in
    }
    folder_lock(folder_lock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
    folder_lock& operator=(folder_lock&& other) noexcept {
        std::swap(file_, other.file_);
        return *this;
    }

    bool holds() const { return file_ >= 0; }

  private:
    std::string owner() const {
        char       text[32];
        auto const n = ::pread(file_, text, sizeof text, 0);
        std::string s(text, n > 0 ? static_cast<std::size_t>(n) : 0);
        while (!s.empty() && s.back() == '\n') s.pop_back();
        return s.empty() ? "?" : s;
    }

    int file_ = -1;
};

}  // namespace midtrain::inline MT_ABI::io
