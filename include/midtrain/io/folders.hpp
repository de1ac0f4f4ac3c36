#pragma once
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>
#include <midtrain/core/error.hpp>

// What a run asks of its folders, from POSIX: <filesystem> costs whoever includes it the better part of a second.
namespace midtrain::inline MT_ABI::io {

/// Whether something bears the name, a link that leads nowhere does not.
inline bool exists(std::string const& path) {
    struct stat is {};
    return ::stat(path.c_str(), &is) == 0;
}

/// The names in a folder, in no order; none where it cannot be read.
inline std::vector<std::string> names_in(std::string const& folder) {
    std::vector<std::string> all;
    DIR* const               open = ::opendir(folder.c_str());
    if (!open) return all;
    while (auto const* e = ::readdir(open))
        if (std::strcmp(e->d_name, ".") != 0 && std::strcmp(e->d_name, "..") != 0) all.emplace_back(e->d_name);
    ::closedir(open);
    return all;
}

/// Makes a folder and those above it.
inline void make_folders(std::string const& path) {
    for (std::size_t at = 0; at != std::string::npos;) {
        at              = path.find('/', at + 1);
        auto const part = path.substr(0, at);
        struct stat is {};
        if (::stat(part.c_str(), &is) == 0 && S_ISDIR(is.st_mode)) continue;
        bool const made = ::mkdir(part.c_str(), 0777) == 0;
        int const  why  = errno;
        check(made || (::stat(part.c_str(), &is) == 0 && S_ISDIR(is.st_mode)), [&] { return path + ": cannot be made: " + std::strerror(why); });
    }
}

/// Removes a file, a link, or a folder with all within; a link is not followed. What cannot be removed stays.
inline void remove_all(std::string const& path) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return;
    for (auto const& name : names_in(path)) remove_all(path + "/" + name);
    ::rmdir(path.c_str());
}

/// Where a path leads, from the root and without links; empty where it leads nowhere.
inline std::string real_path(std::string const& path) {
    char* const found = ::realpath(path.c_str(), nullptr);
    std::string is(found ? found : "");
    std::free(found);
    return is;
}

}  // namespace midtrain::inline MT_ABI::io
