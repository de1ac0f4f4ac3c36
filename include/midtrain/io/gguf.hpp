#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/gguf_formats.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/io/tensor_shape.hpp>

namespace midtrain::inline MT_ABI::io {

namespace detail {

/// Reads a GGUF header front to back; each length is compared with what is left before it is believed.
class gguf_cursor {
  public:
    gguf_cursor(std::span<std::byte const> bytes, std::string const& path) : bytes_(bytes), path_(&path) {}

    void require(bool condition, std::string_view what) const {
        check(condition, [&] { return *path_ + ": byte " + std::to_string(at_) + ": " + std::string(what); });
    }
    template <class T>
    T take() {
        require(sizeof(T) <= bytes_.size() - at_, "the header goes on past the end of the file");
        T x;
        std::memcpy(&x, bytes_.data() + at_, sizeof(T));
        at_ += sizeof(T);
        return x;
    }
    /// Points into the file.
    std::string_view text() {
        auto const length = take<std::uint64_t>();
        require(length <= bytes_.size() - at_, "a string goes on past the end of the file");
        auto const from = reinterpret_cast<char const*>(bytes_.data() + at_);
        at_ += static_cast<std::size_t>(length);
        return {from, static_cast<std::size_t>(length)};
    }
    std::size_t at() const { return at_; }

  private:
    std::span<std::byte const> bytes_;
    std::string const*         path_;
    std::size_t                at_ = 0;
};

}  // namespace detail

/// Metadata and tensors of a .gguf file, versions 2 and 3, little endian. The whole header is checked before the first read: lengths,
/// types, names that stand twice, alignment, shapes against bytes, and that nothing lies outside the file or upon another.
class gguf {
  public:
    /// A metadata value. Integers from 2^63 on become doubles; texts point into the file.
    struct value {
        using array = std::vector<value>;
        std::variant<bool, std::int64_t, double, std::string_view, array> is;

        template <class T>
        T const* as() const {
            return std::get_if<T>(&is);
        }
    };

    struct tensor {
        std::uint32_t              type;   ///< as the format numbers them
        std::vector<std::int64_t>  shape;  ///< rows first, unlike in the file
        std::span<std::byte const> bytes;  ///< empty for a type that we cannot read
    };

    explicit gguf(std::string path) : file_(std::move(path)) {
        static_assert(std::endian::native == std::endian::little);
        detail::gguf_cursor in(file_.bytes(), file_.path());
        in.require(in.take<std::uint32_t>() == 0x46554747, "this is not a GGUF file");
        auto const version = in.take<std::uint32_t>();
        in.require(version == 2 || version == 3, "GGUF version " + std::to_string(version) + " is not 2 or 3, or the file is big endian");
        auto const tensors = in.take<std::uint64_t>(), pairs = in.take<std::uint64_t>();
        for (std::uint64_t i = 0; i < pairs; ++i) {
            auto const key = in.text();
            in.require(metadata_.emplace(key, read_value(in, in.take<std::uint32_t>(), 0)).second,
                       "metadata '" + std::string(key) + "' stands twice");
        }
        auto const                 alignment = alignment_of(in);
        std::vector<std::uint64_t> offsets;
        std::vector<std::string>   names;
        for (std::uint64_t i = 0; i < tensors; ++i) {
            names.emplace_back(in.text());
            in.require(tensors_.emplace(names.back(), read_tensor(in, names.back())).second, "tensor '" + names.back() + "' stands twice");
            offsets.push_back(in.take<std::uint64_t>());
        }
        std::size_t const begin = std::min((in.at() + alignment - 1) / alignment * alignment, file_.bytes().size());
        for (std::size_t i = 0; i < names.size(); ++i) place(names[i], file_.bytes().subspan(begin), offsets[i], alignment);
        std::vector<detail::byte_range> all;
        for (std::size_t i = 0; i < names.size(); ++i) all.push_back({offsets[i], offsets[i] + at(names[i]).bytes.size(), names[i]});
        detail::refuse_overlaps(std::move(all), file_.path());
    }

    std::string const&                                path() const { return file_.path(); }
    std::map<std::string, tensor, std::less<>> const& tensors() const { return tensors_; }
    std::map<std::string, value, std::less<>> const&  metadata() const { return metadata_; }

    /// The metadata of that key, or nullptr.
    value const* find(std::string_view key) const {
        auto const at = metadata_.find(key);
        return at == metadata_.end() ? nullptr : &at->second;
    }
    /// The metadata of that key as a T: bool, std::int64_t, double, std::string_view or value::array.
    template <class T>
    T const& get(std::string_view key) const {
        auto const v = find(key);
        require(v != nullptr, "has no metadata '" + std::string(key) + "'");
        require(v->as<T>() != nullptr, "metadata '" + std::string(key) + "' has an unexpected type");
        return *v->as<T>();
    }
    /// The tensor of that name; an error names file and tensor when there is none.
    tensor const& at(std::string_view name) const {
        auto const t = tensors_.find(name);
        require(t != tensors_.end(), "has no tensor '" + std::string(name) + "'");
        return t->second;
    }

    /// Copies a tensor of rows x columns values as float. A row of one column may have one dimension.
    void operator()(std::string_view name, index_t rows, index_t columns, std::span<float> to) const {
        rows_in_order(name, rows, columns, to, [](index_t r) { return r; });
    }
    /// The same with row r taken from row `source(r)` of the file.
    template <class Source>
    void rows_in_order(std::string_view name, index_t rows, index_t columns, std::span<float> to, Source const& source) const {
        tensor const& t = at(name);
        require(detail::is_of(t.shape, rows, columns) && std::ssize(to) == rows * columns, "tensor '" + std::string(name) + "' has shape " +
                        detail::written_shape(t.shape) + " where the model has " + detail::written_shape({rows, columns}));
        auto const f = detail::gguf_format_numbered(t.type);
        require(f != nullptr, "tensor '" + std::string(name) + "' has type number " + std::to_string(t.type) +
                                  "; read are " + detail::gguf_format_names());
        index_t const blocks = columns / f->values;
        if (blocks * f->values != columns) return f->unpack(t.bytes.data(), to.data(), rows / f->values);  // one column of a vector
        for (index_t r = 0; r < rows; ++r) f->unpack(t.bytes.data() + source(r) * blocks * f->bytes, to.data() + r * columns, blocks);
    }

  private:
    void require(bool condition, std::string const& what) const {
        check(condition, [&] { return file_.path() + ": " + what; });
    }
    static value read_value(detail::gguf_cursor& in, std::uint32_t type, int depth) {
        switch (type) {
            case 0: return {std::int64_t{in.take<std::uint8_t>()}};
            case 1: return {std::int64_t{in.take<std::int8_t>()}};
            case 2: return {std::int64_t{in.take<std::uint16_t>()}};
            case 3: return {std::int64_t{in.take<std::int16_t>()}};
            case 4: return {std::int64_t{in.take<std::uint32_t>()}};
            case 5: return {std::int64_t{in.take<std::int32_t>()}};
            case 6: return {double{in.take<float>()}};
            case 7: return {in.take<std::uint8_t>() != 0};
            case 8: return {in.text()};
            case 9: return read_array(in, depth + 1);
            case 10: {
                auto const n = in.take<std::uint64_t>();
                return n >> 63 ? value{static_cast<double>(n)} : value{static_cast<std::int64_t>(n)};
            }
            case 11: return {in.take<std::int64_t>()};
            case 12: return {in.take<double>()};
            default: in.require(false, "metadata of the unknown type " + std::to_string(type));
        }
        return {};
    }
    static value read_array(detail::gguf_cursor& in, int depth) {
        in.require(depth <= 8, "arrays are nested too deeply");
        auto const   type  = in.take<std::uint32_t>();
        auto const   count = in.take<std::uint64_t>();
        value::array all;  // grows as it is read, so that a false count costs nothing
        for (std::uint64_t i = 0; i < count; ++i) all.push_back(read_value(in, type, depth));
        return {std::move(all)};
    }
    std::size_t alignment_of(detail::gguf_cursor const& in) const {
        auto const v = find("general.alignment");
        if (!v) return 32;
        auto const n = v->as<std::int64_t>();
        in.require(n && *n > 0 && *n <= 1 << 30 && std::has_single_bit(static_cast<std::uint64_t>(*n)),
                   "general.alignment is no power of two");
        return static_cast<std::size_t>(*n);
    }
    static tensor read_tensor(detail::gguf_cursor& in, std::string const& name) {
        tensor     t{};
        auto const dimensions = in.take<std::uint32_t>();
        in.require(dimensions >= 1 && dimensions <= 4, "tensor '" + name + "' has " + std::to_string(dimensions) + " dimensions");
        std::int64_t values = 1;
        for (std::uint32_t d = 0; d < dimensions; ++d) {
            auto const n = in.take<std::uint64_t>();
            in.require(n > 0 && n <= static_cast<std::uint64_t>((std::int64_t{1} << 50) / values),
                       "tensor '" + name + "' has an impossible shape");
            values *= static_cast<std::int64_t>(n);
            t.shape.insert(t.shape.begin(), static_cast<std::int64_t>(n));
        }
        t.type = in.take<std::uint32_t>();
        return t;
    }
    void place(std::string const& name, std::span<std::byte const> data, std::uint64_t offset, std::size_t alignment) {
        tensor& t = tensors_.find(name)->second;
        require(offset % alignment == 0,
                "tensor '" + name + "' begins at " + std::to_string(offset) + ", not a multiple of " + std::to_string(alignment));
        require(offset <= data.size(), "tensor '" + name + "' lies outside the file");
        auto const f = detail::gguf_format_numbered(t.type);
        if (!f) return;
        require(t.shape.back() % f->values == 0,
                "tensor '" + name + "' has rows that are no whole number of " + std::string(f->name) + " blocks");
        std::int64_t blocks = 1;
        for (auto n : t.shape) blocks *= n;
        auto const bytes = static_cast<std::uint64_t>(blocks / f->values * f->bytes);
        require(bytes <= data.size() - offset, "tensor '" + name + "' lies outside the file");
        t.bytes = data.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(bytes));
    }

    mapped_file                                file_;
    std::map<std::string, value, std::less<>>  metadata_;
    std::map<std::string, tensor, std::less<>> tensors_;
};

}  // namespace midtrain::inline MT_ABI::io
