#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/fp8.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/io/scaled_weights.hpp>
#include <midtrain/io/tensor_shape.hpp>

namespace midtrain::inline MT_ABI::io {

/// Tensors of a .safetensors file: eight bytes of header length, a JSON header, the data. Everything is checked before the first
/// read: lengths, types, shapes against bytes, and that nothing lies outside the file or upon another.
class safetensors {
  public:
    struct tensor {
        std::string                dtype;  ///< F32, F16, BF16, F8_E4M3, I32, ...
        std::vector<std::int64_t>  shape;
        std::span<std::byte const> bytes;

        std::int64_t count() const {
            std::int64_t n = 1;
            for (auto s : shape) n *= s;
            return n;
        }
    };

    explicit safetensors(std::string path) : file_(std::move(path)) {
        auto const bytes = file_.bytes();
        require(bytes.size() >= 8, "is too short for a safetensors header");
        std::uint64_t length = 0;
        std::memcpy(&length, bytes.data(), 8);
        require(length <= bytes.size() - 8, "says its header has " + std::to_string(length) + " bytes, more than the file holds");
        auto const text   = std::string_view(reinterpret_cast<char const*>(bytes.data()) + 8, static_cast<std::size_t>(length));
        auto const header = parse_json(text, file_.path());
        auto const all    = header.as<json::object>();
        require(all != nullptr, "has a header that is no JSON object");
        for (auto const& [name, entry] : *all)
            if (name == "__metadata__") read_metadata(entry);
            else tensors_.emplace(name, read(name, entry, bytes.subspan(8 + static_cast<std::size_t>(length))));
        std::vector<detail::byte_range> ranges;
        for (auto const& [name, t] : tensors_) {
            auto const begin = static_cast<std::uint64_t>(t.bytes.data() - bytes.data());
            ranges.push_back({begin, begin + t.bytes.size(), name});
        }
        detail::refuse_overlaps(std::move(ranges), file_.path());
    }

    std::string const&                                path() const { return file_.path(); }
    std::map<std::string, tensor, std::less<>> const& tensors() const { return tensors_; }

    /// The file's own notes: texts by name.
    std::map<std::string, std::string, std::less<>> const& metadata() const { return metadata_; }

    /// The tensor of that name; an error names file and tensor when there is none.
    tensor const& at(std::string_view name) const {
        auto const t = tensors_.find(name);
        require(t != tensors_.end(), "has no tensor '" + std::string(name) + "'");
        return t->second;
    }

    /// Copies a tensor of rows x columns values as float: what model.load asks for. A row of one column may have one dimension. Eight bits
    /// times their scales, which stand in the same file.
    void operator()(std::string_view name, index_t rows, index_t columns, std::span<float> to) const {
        read_unscaled(name, rows, columns, to);
        tensor const& t = at(name);
        if (!detail::wants_scales(t.dtype)) return;
        auto const& scales = at(detail::name_of_scales(name));
        detail::check_scales(file_.path(), name, t.shape, scales.shape);
        std::vector<float> factors(static_cast<std::size_t>(scales.count()));
        read_unscaled(detail::name_of_scales(name), scales.shape[0], scales.shape[1], factors);
        detail::scale_tiles(to, rows, columns, factors);
    }
    /// The same, of eight bits without their scales.
    void read_unscaled(std::string_view name, index_t rows, index_t columns, std::span<float> to) const {
        tensor const& t = at(name);
        require(detail::is_of(t.shape, rows, columns) && std::ssize(to) == rows * columns, "tensor '" + std::string(name) + "' has shape " +
                        detail::written_shape(t.shape) + " where the model has " + detail::written_shape({rows, columns}));
        if (t.dtype == "F32") std::memcpy(to.data(), t.bytes.data(), t.bytes.size());
        else if (t.dtype == "BF16") widen<bf16>(t, to);
        else if (t.dtype == "F16") widen<f16>(t, to);
        else if (t.dtype == "F8_E4M3") widen<e4m3>(t, to);
        else if (t.dtype == "F8_E5M2") widen<e5m2>(t, to);
        else if (t.dtype == "F8_E8M0") widen<detail::e8m0>(t, to);
        else require(false, "tensor '" + std::string(name) + "' has type " + t.dtype + "; weights are F32, F16, BF16, or F8_E4M3 with scales");
    }

  private:
    void require(bool condition, std::string const& what) const {
        check(condition, [&] { return file_.path() + ": " + what; });
    }
    static std::int64_t width_of(std::string_view dtype) {
        static constexpr std::pair<std::string_view, int> known[] = {{"F64", 8}, {"I64", 8}, {"U64", 8}, {"F32", 4}, {"I32", 4},
                                                                     {"U32", 4}, {"F16", 2}, {"BF16", 2}, {"I16", 2}, {"U16", 2},
                                                                     {"I8", 1},  {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1},
                                                                     {"F8_E5M2", 1}, {"F8_E8M0", 1}};
        for (auto const& [name, size] : known)
            if (name == dtype) return size;
        return 0;
    }
    // A whole number that fits into a file's length.
    std::int64_t whole(std::string const& name, json const& v) const {
        auto const d = v.as<double>();
        require(d && *d >= 0 && *d <= 9e15 && std::floor(*d) == *d, "tensor '" + name + "' has a number that is not a size");
        return static_cast<std::int64_t>(*d);
    }
    tensor read(std::string const& name, json const& entry, std::span<std::byte const> data) const {
        auto const dtype   = entry.find("dtype");
        auto const shape   = entry.find("shape");
        auto const offsets = entry.find("data_offsets");
        require(dtype && dtype->as<std::string>() && shape && shape->as<json::array>() && offsets && offsets->as<json::array>() &&
                    offsets->as<json::array>()->size() == 2,
                "tensor '" + name + "' lacks dtype, shape or data_offsets");
        tensor t{*dtype->as<std::string>(), {}, {}};
        auto const width = width_of(t.dtype);
        require(width > 0, "tensor '" + name + "' has the unknown type '" + t.dtype + "'");
        std::int64_t bytes = width;
        for (auto const& s : *shape->as<json::array>()) {
            t.shape.push_back(whole(name, s));
            require(t.shape.back() == 0 || bytes <= 9'000'000'000'000'000 / t.shape.back(),
                    "tensor '" + name + "' has an impossible shape");
            bytes *= t.shape.back();
        }
        auto const first = whole(name, (*offsets->as<json::array>())[0]), last = whole(name, (*offsets->as<json::array>())[1]);
        require(first <= last && last <= static_cast<std::int64_t>(data.size()), "tensor '" + name + "' lies outside the file");
        require(last - first == bytes, "tensor '" + name + "' has " + std::to_string(last - first) + " bytes where its shape needs " +
                                           std::to_string(bytes));
        t.bytes = data.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(bytes));
        return t;
    }
    void read_metadata(json const& entry) {
        auto const all = entry.as<json::object>();
        require(all != nullptr, "has metadata that is no JSON object");
        for (auto const& [key, value] : *all) {
            require(value.as<std::string>() != nullptr, "has metadata '" + key + "' that is no text");
            metadata_.emplace(key, *value.as<std::string>());
        }
    }
    template <class T>
    static void widen(tensor const& t, std::span<float> to) {
        for (std::size_t i = 0; i < to.size(); ++i) {
            T x;
            std::memcpy(static_cast<void*>(&x), t.bytes.data() + i * sizeof(T), sizeof(T));
            to[i] = static_cast<float>(x);
        }
    }

    mapped_file                                file_;
    std::map<std::string, tensor, std::less<>> tensors_;
    std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace midtrain::inline MT_ABI::io
