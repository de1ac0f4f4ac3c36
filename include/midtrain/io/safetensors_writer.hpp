#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/file_writer.hpp>
#include <midtrain/io/json_writer.hpp>

namespace midtrain::inline MT_ABI::io {

/// Writes a .safetensors file: first every tensor is declared, then the bytes are added in the same order. Until finish() they stand
/// under `path + ".partial"`; finish() brings them to the disk and renames, so what bears the name is whole.
class safetensors_writer {
  public:
    explicit safetensors_writer(std::string path, std::map<std::string, std::string> metadata = {})
        : file_(std::move(path)), metadata_(std::move(metadata)) {}

    /// dtype: F64 F32 F16 BF16 I64 I32 U8 ..., by its size in bytes as the format defines it.
    void declare(std::string name, std::string dtype, std::vector<std::int64_t> shape) {
        check(!begun_, [&] { return path() + ": tensor '" + name + "' is declared after the first bytes were added"; });
        std::int64_t bytes = width_of(dtype);
        check(bytes > 0, [&] { return path() + ": tensor '" + name + "' has the unknown type " + dtype; });
        for (auto n : shape) bytes *= n;
        for (auto const& d : declared_) check(d.name != name, [&] { return path() + ": tensor '" + name + "' is declared twice"; });
        declared_.push_back({std::move(name), std::move(dtype), std::move(shape), bytes});
    }
    /// The bytes of the next declared tensor, whole.
    void add(std::string_view name, std::span<std::byte const> bytes) {
        if (!begun_) write_header();
        check(next_ < declared_.size() && declared_[next_].name == name,
              [&] { return path() + ": tensor '" + std::string(name) + "' is not the next one declared"; });
        check(static_cast<std::int64_t>(bytes.size()) == declared_[next_].bytes, [&] {
            return path() + ": tensor '" + std::string(name) + "' has " + std::to_string(bytes.size()) + " bytes, declared were " +
                   std::to_string(declared_[next_].bytes);
        });
        file_.write(bytes);
        ++next_;
    }
    void finish() {
        if (!begun_) write_header();
        check(next_ == declared_.size(), [&] { return path() + ": tensor '" + declared_[next_].name + "' was declared and never added"; });
        file_.finish();
    }

  private:
    struct tensor {
        std::string               name, dtype;
        std::vector<std::int64_t> shape;
        std::int64_t              bytes;
    };

    std::string const& path() const { return file_.path(); }
    static std::int64_t width_of(std::string_view dtype) {
        if (dtype == "BOOL") return 1;
        if (dtype == "BF16") return 2;
        auto const bits = dtype.size() >= 2 ? dtype.substr(1) : std::string_view{};
        return bits == "64" ? 8 : bits == "32" ? 4 : bits == "16" ? 2 : bits == "8" ? 1 : 0;
    }
    void write_header() {
        begun_           = true;
        std::string text = "{";
        auto const next = [&](std::string const& name) { text.append(text.back() == '{' ? "" : ",").append(io::quoted(name)).append(":"); };
        if (!metadata_.empty()) {
            text.append("\"__metadata__\":{");
            for (auto const& [key, value] : metadata_) {
                next(key);
                text.append(io::quoted(value));
            }
            text.append("}");
        }
        std::int64_t at = 0;
        for (auto const& t : declared_) {
            next(t.name);
            text.append("{\"dtype\":").append(io::quoted(t.dtype)).append(",\"shape\":[");
            for (std::size_t i = 0; i < t.shape.size(); ++i) text.append(i ? "," : "").append(std::to_string(t.shape[i]));
            text.append("],\"data_offsets\":[").append(std::to_string(at)).append(",").append(std::to_string(at + t.bytes)).append("]}");
            at += t.bytes;
        }
        text += "}";
        text.resize((text.size() + 7) / 8 * 8, ' ');  // the data begins at a multiple of eight
        std::uint64_t const length = text.size();
        file_.write(std::as_bytes(std::span(&length, 1)));
        file_.write(std::as_bytes(std::span(text)));
    }

    file_writer                        file_;
    std::map<std::string, std::string> metadata_;
    std::vector<tensor>                declared_;
    std::size_t                        next_  = 0;
    bool                               begun_ = false;  ///< the header is written
};

}  // namespace midtrain::inline MT_ABI::io
