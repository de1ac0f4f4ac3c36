// Stands before the C library's calls that change files. Only what the program itself and libstdc++ call comes here.
#undef _FORTIFY_SOURCE  // it would define open() itself
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <fcntl.h>
#include <support/faulty_calls.hpp>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

std::atomic<test::fault_mode> mode{test::fault_mode::none};
std::atomic<int>              wanted{-1}, counted{0}, code{0};
std::atomic<char const*>      went_wrong{""};
std::mutex                    guard;
std::map<int, std::string>    written;  // files by descriptor, not on the disk yet
std::set<std::string>         lost;     // files that were closed before they were

[[noreturn]] void cut_power() {
    {
        std::lock_guard const lock(guard);
        for (auto const& [file, path] : written) syscall(SYS_ftruncate, file, 0);
        for (auto const& path : lost) syscall(SYS_truncate, path.c_str(), 0);
    }
    syscall(SYS_exit_group, test::power_cut);
    __builtin_unreachable();
}

/// Whether this call goes wrong.
bool fails(char const* name) {
    if (mode == test::fault_mode::none || counted++ != wanted) return false;
    went_wrong = name;
    if (mode == test::fault_mode::cut) cut_power();
    errno = code;
    return true;
}

}  // namespace

namespace test {

void arm_faults(fault_mode how, int at, int error) {
    wanted = at, code = error, counted = 0, went_wrong = "";
    mode = how;
}
void        disarm_faults() { mode = fault_mode::none; }
int         counted_calls() { return counted; }
std::string faulty_call() { return went_wrong.load(); }

}  // namespace test

extern "C" {

int open(char const* path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    unsigned const permissions = flags & O_CREAT ? va_arg(more, unsigned) : 0;
    va_end(more);
    bool const writes = (flags & O_ACCMODE) != O_RDONLY;
    if (writes && fails("open")) return -1;
    int const file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, flags, permissions));
    if (writes && file >= 0 && mode != test::fault_mode::none) {
        std::lock_guard const lock(guard);
        written[file] = path;
    }
    return file;
}
ssize_t write(int file, void const* bytes, std::size_t count) {
    if (file > 2 && fails("write")) {
        if (mode != test::fault_mode::halve) return -1;
        count = (count + 1) / 2;
    }
    return syscall(SYS_write, file, bytes, count);
}
int fsync(int file) {
    if (fails("fsync")) return -1;
    if (mode != test::fault_mode::none) {
        std::lock_guard const lock(guard);
        written.erase(file);
    }
    return static_cast<int>(syscall(SYS_fsync, file));
}
int close(int file) {
    if (mode != test::fault_mode::none) {
        std::lock_guard const lock(guard);
        if (auto const at = written.find(file); at != written.end()) lost.insert(at->second), written.erase(at);
    }
    return static_cast<int>(syscall(SYS_close, file));
}
int rename(char const* from, char const* to) noexcept {
    return fails("rename") ? -1 : static_cast<int>(syscall(SYS_rename, from, to));
}
int renameat2(int a, char const* from, int b, char const* to, unsigned flags) noexcept {
    return fails("renameat2") ? -1 : static_cast<int>(syscall(SYS_renameat2, a, from, b, to, flags));
}
int mkdir(char const* path, mode_t permissions) noexcept {
    return fails("mkdir") ? -1 : static_cast<int>(syscall(SYS_mkdir, path, permissions));
}
int symlink(char const* to, char const* path) noexcept {
    return fails("symlink") ? -1 : static_cast<int>(syscall(SYS_symlink, to, path));
}
int unlink(char const* path) noexcept {
    return fails("unlink") ? -1 : static_cast<int>(syscall(SYS_unlink, path));
}
int unlinkat(int folder, char const* path, int flags) noexcept {
    return fails("unlinkat") ? -1 : static_cast<int>(syscall(SYS_unlinkat, folder, path, flags));
}

}  // extern "C"
