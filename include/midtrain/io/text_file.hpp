#pragma once
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::io {

/// Writes a small file whole or not at all: under `path + ".partial"`, brought to the disk, then renamed.
inline void write_text(std::string const& path, std::string_view text) {
    std::string const partial = path + ".partial";
    int const         file    = ::open(partial.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    check(file >= 0, [&] { return path + ": cannot be made: " + std::strerror(errno); });
    bool good = true;
    for (auto rest = text; good && !rest.empty();) {
        auto const done = ::write(file, rest.data(), rest.size());
        if (done > 0) rest.remove_prefix(static_cast<std::size_t>(done));
        else good = done < 0 && errno == EINTR;
    }
    good          = good && ::fsync(file) == 0;
    int const why = errno;
    ::close(file);
    if (!good) ::unlink(partial.c_str());
    check(good, [&] { return path + ": cannot be written: " + std::strerror(why); });
    check(::rename(partial.c_str(), path.c_str()) == 0, [&] { return path + ": cannot be put in place: " + std::strerror(errno); });
}

}  // namespace midtrain::inline MT_ABI::io
