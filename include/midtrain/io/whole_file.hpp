#pragma once
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <unistd.h>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::io {

/// Writes a file that is whole or as it was before: under another name first, brought to the disk, then renamed.
inline void write_whole(std::string const& path, std::string_view text) {
    auto const partial = path + ".partial";
    auto const fail    = [&](char const* what, int why) { throw error(path + ": " + what + ": " + std::strerror(why)); };
    auto const file    = std::fopen(partial.c_str(), "wb");
    if (!file) fail("cannot be made", errno);
    bool const put  = std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
    int        why  = errno;
    bool const shut = std::fclose(file) == 0;
    if (put && !shut) why = errno;
    if (!put || !shut) {
        ::unlink(partial.c_str());
        fail("cannot be written", why);
    }
    if (std::rename(partial.c_str(), path.c_str()) != 0) fail("cannot be put in place", errno);
}

}  // namespace midtrain::inline MT_ABI::io
