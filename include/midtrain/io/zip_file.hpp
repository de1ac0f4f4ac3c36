#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/io/tensor_shape.hpp>

namespace midtrain::inline MT_ABI::io {

/// The entries of a zip file that are stored as they are, as PyTorch writes them; zip64 too. A compressed or encrypted entry is refused,
/// and so are entries that stand twice, lie outside the file or upon each other. Checksums are not compared: PyTorch may leave them out.
/// Format: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3.
class zip_file {
  public:
    explicit zip_file(std::string path) : file_(std::move(path)) {
        directory const d = find_directory();
        std::uint64_t   at = d.begin;
        for (std::uint64_t i = 0; i < d.entries; ++i) at = read_entry(at, d);
        std::vector<detail::byte_range> ranges{{d.begin, size(), "the directory"}};
        for (auto const& [name, bytes] : entries_) {
            auto const begin = static_cast<std::uint64_t>(bytes.data() - file_.bytes().data());
            ranges.push_back({begin, begin + bytes.size(), name});
        }
        detail::refuse_overlaps(std::move(ranges), file_.path());
    }

    std::string const&                                                    path() const { return file_.path(); }
    std::map<std::string, std::span<std::byte const>, std::less<>> const& entries() const { return entries_; }

    /// The entry of that name, or nullptr.
    std::span<std::byte const> const* find(std::string_view name) const {
        auto const at = entries_.find(name);
        return at == entries_.end() ? nullptr : &at->second;
    }

  private:
    struct directory {
        std::uint64_t begin, end, entries;
    };

    std::uint64_t size() const { return file_.bytes().size(); }
    void          require(bool condition, std::string_view what) const {
        check(condition, [&] { return file_.path() + ": zip: " + std::string(what); });
    }
    /// A little-endian number of the file; it must lie inside.
    template <class T>
    T number(std::uint64_t at) const {
        require(at <= size() && sizeof(T) <= size() - at, "the file ends within a header");
        T x;
        std::memcpy(&x, file_.bytes().data() + at, sizeof(T));
        return x;
    }

    // The end record stands last, before a comment of at most 65,535 bytes.
    directory find_directory() const {
        require(size() >= 22, "the file is too short");
        std::uint64_t       at    = size() - 22;
        std::uint64_t const first = at > 65'535 ? at - 65'535 : 0;
        while (number<std::uint32_t>(at) != 0x06054b50 || at + 22 + number<std::uint16_t>(at + 20) != size()) {
            require(at > first, "there is no end record: the file is cut off, or no zip file");
            --at;
        }
        require(number<std::uint16_t>(at + 4) == 0 && number<std::uint16_t>(at + 6) == 0, "it is one part of several");
        directory d{number<std::uint32_t>(at + 16), at, number<std::uint16_t>(at + 10)};
        std::uint64_t bytes = number<std::uint32_t>(at + 12);
        if (at >= 20 && number<std::uint32_t>(at - 20) == 0x07064b50) {
            auto const wide = number<std::uint64_t>(at - 20 + 8);
            require(number<std::uint32_t>(wide) == 0x06064b50, "its zip64 end record is not where it should be");
            d     = {number<std::uint64_t>(wide + 48), wide, number<std::uint64_t>(wide + 32)};
            bytes = number<std::uint64_t>(wide + 40);
        }
        require(d.begin <= d.end && bytes <= d.end - d.begin && d.entries <= bytes / 46, "its directory does not fit into the file");
        d.end = d.begin + bytes;
        return d;
    }

    // One record of the directory; returns where the next begins.
    std::uint64_t read_entry(std::uint64_t at, directory const& d) {
        require(at <= d.end && 46 <= d.end - at && number<std::uint32_t>(at) == 0x02014b50, "its directory is damaged");
        std::uint64_t const names = number<std::uint16_t>(at + 28), extra = number<std::uint16_t>(at + 30);
        std::uint64_t const end   = at + 46 + names + extra + number<std::uint16_t>(at + 32);
        require(end <= d.end, "its directory is damaged");
        std::string const name(reinterpret_cast<char const*>(file_.bytes().data()) + at + 46, names);
        require((number<std::uint16_t>(at + 8) & 1) == 0, "entry '" + name + "' is encrypted");
        require(number<std::uint16_t>(at + 10) == 0, "entry '" + name + "' is compressed, which PyTorch does not do");
        std::uint64_t bytes = number<std::uint32_t>(at + 24), packed = number<std::uint32_t>(at + 20),
                      local = number<std::uint32_t>(at + 42);
        int           wide  = 0;  // numbers too large for their place stand in a field of their own, in this order
        for (std::uint64_t* const field : {&bytes, &packed, &local})
            if (*field == 0xffffffff) *field = wide_number(at + 46 + names, extra, wide++);
        require(bytes == packed, "entry '" + name + "' has two sizes");
        require(number<std::uint32_t>(local) == 0x04034b50, "entry '" + name + "' is not where the directory says");
        std::uint64_t const begin = local + 30 + number<std::uint16_t>(local + 26) + number<std::uint16_t>(local + 28);
        require(begin <= size() && bytes <= size() - begin, "entry '" + name + "' lies outside the file");
        require(entries_.emplace(name, file_.bytes().subspan(begin, bytes)).second, "entry '" + name + "' stands twice");
        return end;
    }
    /// The n-th number of the zip64 field.
    std::uint64_t wide_number(std::uint64_t at, std::uint64_t extra, int n) const {
        for (std::uint64_t const end = at + extra; at + 4 <= end;) {
            std::uint64_t const bytes = number<std::uint16_t>(at + 2);
            if (number<std::uint16_t>(at) == 1 && static_cast<std::uint64_t>(n) * 8 + 8 <= bytes && bytes <= end - at - 4)
                return number<std::uint64_t>(at + 4 + static_cast<std::uint64_t>(n) * 8);
            at += 4 + bytes;
        }
        require(false, "a zip64 field is missing");
        return 0;
    }

    mapped_file                                                    file_;
    std::map<std::string, std::span<std::byte const>, std::less<>> entries_;
};

}  // namespace midtrain::inline MT_ABI::io
