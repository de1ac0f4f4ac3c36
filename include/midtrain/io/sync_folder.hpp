#pragma once
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::io {

/// Brings to the disk what was made, renamed or removed in a folder. A file system that cannot do that for folders is left alone.
inline void sync_folder(std::string const& folder) {
    int const file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(file >= 0, [&] { return folder + ": cannot be opened: " + std::strerror(errno); });
    int const why = ::fsync(file) == 0 ? 0 : errno;
    ::close(file);
    check(why == 0 || why == EINVAL || why == ENOTSUP, [&] { return folder + ": cannot be brought to the disk: " + std::strerror(why); });
}

}  // namespace midtrain::inline MT_ABI::io
