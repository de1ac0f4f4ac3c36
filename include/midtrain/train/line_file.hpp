#pragma once
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <midtrain/core/error.hpp>
#include <midtrain/io/mapped_file.hpp>

// Files that grow line by line while a run goes on, and may end in half a line when it was killed.
namespace midtrain::inline MT_ABI {

/// Calls `one(line, "file, line n")` for each line of a text and returns the bytes up to the last one that was read. A last line
/// without its end, or one that `one` refuses, was written by half and is no error; one in the middle is.
template <class One>
std::size_t visit_lines(std::string_view text, std::string const& path, One const& one) {
    std::size_t at = 0;
    for (int number = 1;; ++number) {
        auto const end = text.find('\n', at);
        if (end == std::string_view::npos) return at;
        try {
            one(text.substr(at, end - at), path + ", line " + std::to_string(number));
        } catch (error const&) {
            if (end + 1 == text.size()) return at;
            throw;
        }
        at = end + 1;
    }
}

/// The same for a file; one without a byte has no lines.
template <class One>
std::size_t read_lines(std::string const& path, One const& one) {
    struct stat is {};
    if (::stat(path.c_str(), &is) == 0 && is.st_size == 0) return 0;
    io::mapped_file const file(path);
    return visit_lines({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path, one);
}

/// Cuts a file behind its last line of those at the beginning that `kept(line, where)` accepts.
template <class Kept>
void keep_lines(std::string const& path, Kept const& kept) {
    std::size_t keep  = 0;
    bool        going = true;
    read_lines(path, [&](std::string_view line, std::string const& where) {
        going = going && kept(line, where);
        if (going) keep += line.size() + 1;
    });
    check(::truncate(path.c_str(), static_cast<off_t>(keep)) == 0, [&] { return path + ": cannot be cut: " + std::strerror(errno); });
}

/// A file that is appended to; each piece is handed to the system at once.
class line_file {
  public:
    explicit line_file(std::string path) : path_(std::move(path)), file_(std::fopen(path_.c_str(), "ab")) {
        require(file_ != nullptr, "cannot be opened for writing");
    }
    ~line_file() {
        if (file_) std::fclose(file_);
    }
    line_file(line_file&& other) noexcept : path_(std::move(other.path_)), file_(std::exchange(other.file_, nullptr)) {}
    line_file& operator=(line_file&&) = delete;

    std::string const& path() const { return path_; }

    void append(std::string_view text) {
        require(std::fwrite(text.data(), 1, text.size(), file_) == text.size() && std::fflush(file_) == 0, "cannot be written");
    }

  private:
    void require(bool condition, char const* what) const {
        check(condition, [&] { return path_ + ": " + what + ": " + std::strerror(errno); });
    }

    std::string path_;
    std::FILE*  file_;
};

}  // namespace midtrain::inline MT_ABI
