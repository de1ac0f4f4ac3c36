#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <midtrain/core/error.hpp>

namespace fuzz {

/// Bytes under a path, without a disk. With a name, the path ends in it: for readers that go by a file's ending.
class file {
  public:
    file(std::uint8_t const* data, std::size_t size, std::string const& name = {}) : file_(::memfd_create("fuzz", MFD_CLOEXEC)) {
        if (file_ < 0 || ::write(file_, data, size) != static_cast<ssize_t>(size)) std::abort();
        path_ = "/proc/self/fd/" + std::to_string(file_);
        if (name.empty()) return;
        link_ = folder().path + "/" + name;
        if (::symlink(path_.c_str(), link_.c_str()) != 0) std::abort();
        path_ = link_;
    }
    ~file() {
        if (!link_.empty()) ::unlink(link_.c_str());
        ::close(file_);
    }
    file(file const&)            = delete;
    file& operator=(file const&) = delete;

    std::string const& path() const { return path_; }

  private:
    struct scratch {
        std::string path = (std::filesystem::temp_directory_path() / ("midtrain_fuzz_" + std::to_string(::getpid()))).string();
        scratch() {
            if (!std::filesystem::create_directory(path)) std::abort();
        }
        ~scratch() { ::rmdir(path.c_str()); }
    };
    static scratch const& folder() {
        static scratch const one;
        return one;
    }

    int         file_;
    std::string path_, link_;
};

/// What a reader may do with bytes: take them, or refuse them with an error of ours. Anything else ends the target.
template <class Act>
int take_or_refuse(Act const& act) {
    try {
        act();
    } catch (midtrain::error const&) {
    }
    return 0;
}

}  // namespace fuzz
