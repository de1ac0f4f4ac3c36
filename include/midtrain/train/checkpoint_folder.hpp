#pragma once
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vector>
#include <midtrain/core/checksum.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/io/folders.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/io/sync_folder.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/written.hpp>

// A run's folder on the disk: `step-00000042/` with `state.safetensors` and its `checksum`, one for each checkpoint; `kept` in those that
// stay for good; `latest`, a link to the newest.
namespace midtrain::inline MT_ABI {

/// A checkpoint and the steps that it had done.
struct checkpoint_place {
    std::string  folder;
    std::int64_t step = 0;
};

inline std::string checkpoint_name(std::int64_t step) {
    auto const n = std::to_string(step);
    return "step-" + std::string(n.size() < 8 ? 8 - n.size() : 0, '0') + n;
}

/// All checkpoints of a run, oldest first, whole or not.
inline std::vector<checkpoint_place> checkpoints_in(std::string const& folder) {
    std::vector<checkpoint_place> all;
    if (folder.empty()) return all;
    for (auto const& name : io::names_in(folder))
        if (name.size() > 5 && name.size() <= 20 && name.starts_with("step-") &&
            name.find_first_not_of("0123456789", 5) == std::string::npos)
            all.push_back({folder + (folder.back() == '/' ? "" : "/") + name, std::atoll(name.c_str() + 5)});
    std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.step < b.step; });
    return all;
}

/// The checksum that was written beside a checkpoint's state; empty when its bytes are others now, or when something is missing.
inline std::string whole_checkpoint(std::string const& folder) {
    try {
        io::mapped_file const sum(folder + "/checksum"), state(folder + "/state.safetensors");
        std::string const     said(reinterpret_cast<char const*>(sum.bytes().data()), sum.bytes().size());
        auto const            is = checksum().add(state.bytes()).text();
        return said == is + "\n" ? is : "";
    } catch (error const&) {
        return "";
    }
}

/// The newest checkpoint whose bytes are those that were written; older ones are tried when it is broken.
inline std::optional<checkpoint_place> newest_checkpoint(std::string const& folder) {
    auto const all = checkpoints_in(folder);
    for (auto at = all.rbegin(); at != all.rend(); ++at)
        if (!whole_checkpoint(at->folder).empty()) return *at;
    return std::nullopt;
}

namespace detail {

/// `folder/latest` leads to `name`, whatever it led to before; who looks finds the one or the other.
inline void point_latest(std::string const& folder, std::string const& name) {
    auto const beside = folder + "/.latest", link = folder + "/latest";
    ::unlink(beside.c_str());
    check(::symlink(name.c_str(), beside.c_str()) == 0 && ::rename(beside.c_str(), link.c_str()) == 0,
          [&] { return link + ": cannot be put in place: " + std::strerror(errno); });
    io::sync_folder(folder);
}

/// Where `folder/latest` leads; empty when there is none.
inline std::string latest_of(std::string const& folder) {
    char       name[64];
    auto const n = ::readlink((folder + "/latest").c_str(), name, sizeof name);
    return {name, n > 0 ? static_cast<std::size_t>(n) : 0};
}

/// The folder `partial` takes the place of `name`, at once where the file system can exchange.
inline void take_place(std::string const& partial, std::string const& name) {
    bool put = ::rename(partial.c_str(), name.c_str()) == 0;
    if (!put && (errno == ENOTEMPTY || errno == EEXIST)) {
        put = ::renameat2(AT_FDCWD, partial.c_str(), AT_FDCWD, name.c_str(), RENAME_EXCHANGE) == 0;
        if (!put && (errno == EINVAL || errno == ENOSYS)) {
            io::remove_all(name);
            put = ::rename(partial.c_str(), name.c_str()) == 0;
        }
        if (put) io::remove_all(partial);
    }
    check(put, [&] { return name + ": cannot be put in place: " + std::strerror(errno); });
}

inline void check_room(std::string const& folder, std::int64_t bytes) {
    struct statvfs room {};
    if (::statvfs(folder.c_str(), &room) != 0) return;  // the writing itself will say what is wrong
    auto const free = static_cast<double>(room.f_bavail) * static_cast<double>(room.f_frsize);
    check(free > static_cast<double>(bytes), [&] {
        return folder + ": has " + written_bytes(free) + " of room left where a checkpoint takes " +
               written_bytes(static_cast<double>(bytes)) + "; make room, or keep fewer checkpoints";
    });
}

}  // namespace detail

/// Which checkpoints of a folder stay.
struct kept_checkpoints {
    int  newest   = 2;
    bool for_good = false;  ///< the one that is being written is never removed
};

/// Makes a checkpoint: `write(folder)` fills a folder of another name, which is brought to the disk and renamed, so that a folder
/// `step-...` is whole whenever the program or the machine stops; then `latest` turns to it, and only then older ones go.
template <class Write>
void make_checkpoint(std::string const& folder, std::int64_t step, std::int64_t bytes, kept_checkpoints const& stay, Write const& write) {
    auto const name    = checkpoint_name(step);
    auto const partial = folder + "/.partial-" + name;
    io::remove_all(partial);
    io::make_folders(partial);
    detail::check_room(partial, bytes);
    write(partial);
    io::write_whole(partial + "/checksum", checksum().add(io::mapped_file(partial + "/state.safetensors").bytes()).text() + "\n");
    if (stay.for_good) io::write_whole(partial + "/kept", "for good\n");
    io::sync_folder(partial);
    detail::take_place(partial, folder + "/" + name);
    io::sync_folder(folder);
    detail::point_latest(folder, name);
    auto all = checkpoints_in(folder);
    for (std::size_t i = 0; i + static_cast<std::size_t>(stay.newest) < all.size(); ++i)
        if (!io::exists(all[i].folder + "/kept") && all[i].step != step) io::remove_all(all[i].folder);
}

/// Before a run writes into its folder: makes it, clears away what an interrupted save left, and turns `latest` to the newest
/// checkpoint that is whole.
inline void tidy_checkpoints(std::string const& folder) {
    io::make_folders(folder);
    for (auto const& name : io::names_in(folder))
        if (name.starts_with(".partial-")) io::remove_all(folder + "/" + name);
    auto const newest = newest_checkpoint(folder);
    auto const name   = newest ? checkpoint_name(newest->step) : "";
    if (newest && detail::latest_of(folder) != name) detail::point_latest(folder, name);
    if (!newest) ::unlink((folder + "/latest").c_str());
}

}  // namespace midtrain::inline MT_ABI
