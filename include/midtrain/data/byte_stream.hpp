#pragma once
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <variant>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/data/gzip_decoder.hpp>
#include <midtrain/data/zstd_decoder.hpp>

namespace midtrain::inline MT_ABI::data {

/// A file's bytes from first to last, unpacked where its name ends in .gz or .zst. Holds 64 KiB, whatever the file's size.
class byte_stream {
  public:
    explicit byte_stream(std::string path) : path_(std::move(path)), file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
        check(file_ >= 0, [&] { return path_ + ": cannot be opened"; });
        struct stat s {};
        bool const  regular = ::fstat(file_, &s) == 0 && S_ISREG(s.st_mode);
        try {
            check(regular, [&] { return path_ + ": is not a file"; });
            choose();
        } catch (...) {
            ::close(file_);
            throw;
        }
    }
    ~byte_stream() {
        if (file_ >= 0) ::close(file_);
    }
    byte_stream(byte_stream&& other) noexcept
        : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), taken_(other.taken_), buffer_(std::move(other.buffer_)),
          left_(other.left_), decoder_(std::move(other.decoder_)) {}
    byte_stream& operator=(byte_stream&&) = delete;

    std::string const& path() const { return path_; }
    std::uint64_t      taken() const { return taken_; }  ///< bytes of the file read so far, packed as they are

    /// Fills `out` from its front and returns how many bytes there were; 0: the end.
    std::size_t read(std::span<std::byte> out) {
        if (std::holds_alternative<std::monostate>(decoder_)) return from_file(out);
        for (;;) {
            if (left_.empty()) {
                buffer_.resize(1 << 16);
                left_ = std::span<std::byte const>(buffer_).first(from_file(buffer_));
            }
            bool const        at_end = left_.empty();
            std::size_t const made   = decoded(out);
            if (made > 0) return made;
            if (at_end)
                return check(ended(), [&] { return path_ + ": ends within its packed data, at byte " + std::to_string(taken_); }), 0;
        }
    }

  private:
    void choose() {
        if (path_.ends_with(".gz")) {
#ifdef MIDTRAIN_WITH_ZLIB
            decoder_.emplace<detail::gzip_decoder>();
#else
            throw error(path_ + ": this program was built without zlib, which .gz needs");
#endif
        } else if (path_.ends_with(".zst")) {
#ifdef MIDTRAIN_WITH_ZSTD
            decoder_.emplace<detail::zstd_decoder>();
#else
            throw error(path_ + ": this program was built without zstd, which .zst needs");
#endif
        }
    }
    std::size_t from_file(std::span<std::byte> out) {
        for (;;) {
            auto const n = ::read(file_, out.data(), out.size());
            if (n < 0 && errno == EINTR) continue;
            check(n >= 0, [&] { return path_ + ": cannot be read: " + std::strerror(errno); });
            taken_ += static_cast<std::uint64_t>(n);
            return static_cast<std::size_t>(n);
        }
    }
    std::size_t decoded(std::span<std::byte> out) {
        try {
            return std::visit([&](auto& d) -> std::size_t {
                if constexpr (requires { d.decode(left_, out); }) return d.decode(left_, out);
                else return 0;
            }, decoder_);
        } catch (error const& e) {
            throw error(path_ + ": " + e.what() + ", before byte " + std::to_string(taken_));
        }
    }
    bool ended() const {
        return std::visit([](auto const& d) {
            if constexpr (requires { d.ended(); }) return d.ended();
            else return true;
        }, decoder_);
    }

    std::string                path_;
    int                        file_;
    std::uint64_t              taken_ = 0;
    std::vector<std::byte>     buffer_;
    std::span<std::byte const> left_;  // of buffer_
    std::variant<std::monostate
#ifdef MIDTRAIN_WITH_ZLIB
                 , detail::gzip_decoder
#endif
#ifdef MIDTRAIN_WITH_ZSTD
                 , detail::zstd_decoder
#endif
                 > decoder_;
};

/// The lines of a stream, without their ends.
class line_stream {
  public:
    static constexpr std::size_t longest = std::size_t{1} << 30;  ///< of a line: a file without line ends would fill the memory

    explicit line_stream(std::string path) : bytes_(std::move(path)) {}

    std::string const& path() const { return bytes_.path(); }
    std::uint64_t      taken() const { return bytes_.taken(); }
    std::int64_t       line() const { return line_; }  ///< number of the last one, counted from 1

    /// The next line, into `to`; false at the end.
    bool next(std::string& to) {
        to.clear();
        for (bool any = false;; any = true) {
            if (at_ == filled_) {
                buffer_.resize(1 << 16);
                filled_ = bytes_.read(buffer_);
                at_     = 0;
                if (filled_ == 0) return line_ += any, any;
            }
            auto const from = reinterpret_cast<char const*>(buffer_.data()) + at_;
            auto const end  = static_cast<char const*>(std::memchr(from, '\n', filled_ - at_));
            auto const n    = end ? static_cast<std::size_t>(end - from) : filled_ - at_;
            check(to.size() + n <= longest, [&] { return path() + ": line " + std::to_string(line_ + 1) + " is longer than 1 GiB"; });
            to.append(from, n);
            at_ += n + (end != nullptr);
            if (end) return ++line_, true;
        }
    }

  private:
    byte_stream            bytes_;
    std::vector<std::byte> buffer_;
    std::size_t            at_ = 0, filled_ = 0;
    std::int64_t           line_ = 0;
};

}  // namespace midtrain::inline MT_ABI::data
