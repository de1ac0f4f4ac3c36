#pragma once
#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/io/file_writer.hpp>
#include <midtrain/io/gguf_formats.hpp>

namespace midtrain::inline MT_ABI::io {

/// Types of tensors that we write, as the format numbers them.
enum class gguf_type : std::uint32_t { f32 = 0, f16 = 1, q8_0 = 8, bf16 = 30 };

/// Writes a .gguf file, version 3: metadata and tensors are declared, then the tensors' bytes are added in the same order. Until finish()
/// they stand under `path + ".partial"`, as with safetensors_writer. Format: ggml, docs/gguf.md.
class gguf_writer {
  public:
    explicit gguf_writer(std::string path, std::uint32_t alignment = 32) : file_(std::move(path)), alignment_(alignment) {
        check(std::has_single_bit(alignment) && alignment % 8 == 0,
              [&] { return this->path() + ": an alignment of " + std::to_string(alignment) + " is no power of two from 8 on"; });
        if (alignment != 32) set("general.alignment", alignment);
    }

    void set(std::string_view key, std::uint32_t x) { begin_pair(key, 4), put(x); }
    void set(std::string_view key, std::int32_t x) { begin_pair(key, 5), put(x); }
    void set(std::string_view key, std::uint64_t x) { begin_pair(key, 10), put(x); }
    void set(std::string_view key, std::int64_t x) { begin_pair(key, 11), put(x); }
    void set(std::string_view key, float x) { begin_pair(key, 6), put(x); }
    void set(std::string_view key, double x) { begin_pair(key, 12), put(x); }
    void set(std::string_view key, std::same_as<bool> auto x) { begin_pair(key, 7), put(static_cast<std::uint8_t>(x)); }
    void set(std::string_view key, std::string_view x) { begin_pair(key, 8), text(x); }
    void set(std::string_view key, char const* x) { set(key, std::string_view(x)); }
    void set(std::string_view key, std::vector<std::string> const& all) {
        begin_array(key, 8, all.size());
        for (auto const& x : all) text(x);
    }
    void set(std::string_view key, std::vector<std::int32_t> const& all) {
        begin_array(key, 5, all.size());
        for (auto x : all) put(x);
    }
    void set(std::string_view key, std::vector<float> const& all) {
        begin_array(key, 6, all.size());
        for (auto x : all) put(x);
    }

    /// shape: rows first, unlike in the file. The last size must be a whole number of the type's blocks.
    void declare(std::string const& name, gguf_type type, std::vector<std::int64_t> const& shape) {
        require(!begun_, name, "is declared after the first bytes were added");
        require(!shape.empty() && shape.size() <= 4, name, "has no shape of one to four sizes");
        auto const   f      = detail::gguf_format_numbered(static_cast<std::uint32_t>(type));
        std::int64_t values = 1;
        for (auto n : shape) {
            require(n > 0, name, "has a size that is not positive");
            values *= n;
        }
        require(shape.back() % f->values == 0, name, "has rows that are no whole number of " + std::string(f->name) + " blocks");
        for (auto const& d : declared_) require(d.name != name, name, "is declared twice");
        declared_.push_back({name, type, shape, static_cast<std::uint64_t>(values / f->values * f->bytes)});
    }
    /// The bytes of the next declared tensor, whole.
    void add(std::string const& name, std::span<std::byte const> bytes) {
        if (!begun_) write_header();
        require(next_ < declared_.size() && declared_[next_].name == name, name, "is not the next one declared");
        require(bytes.size() == declared_[next_].bytes, name,
                "has " + std::to_string(bytes.size()) + " bytes, declared were " + std::to_string(declared_[next_].bytes));
        file_.write(bytes);
        pad(bytes.size());
        ++next_;
    }
    void finish() {
        if (!begun_) write_header();
        check(next_ == declared_.size(), [&] { return path() + ": tensor '" + declared_[next_].name + "' was declared and never added"; });
        file_.finish();
    }

  private:
    struct tensor {
        std::string               name;
        gguf_type                 type;
        std::vector<std::int64_t> shape;
        std::uint64_t             bytes;
    };

    std::string const& path() const { return file_.path(); }
    void               require(bool condition, std::string const& name, std::string_view what) const {
        check(condition, [&] { return path() + ": tensor '" + name + "' " + std::string(what); });
    }
    template <class T>
    void put(T x) {
        header_.append(reinterpret_cast<char const*>(&x), sizeof x);
    }
    void text(std::string_view s) {
        put(std::uint64_t{s.size()});
        header_ += s;
    }
    void begin_pair(std::string_view key, std::uint32_t type) {
        check(!begun_ && keys_.emplace(key).second,
              [&] { return path() + ": metadata '" + std::string(key) + "' is set twice or too late"; });
        text(key);
        put(type);
    }
    void begin_array(std::string_view key, std::uint32_t type, std::size_t count) {
        begin_pair(key, 9);
        put(type);
        put(std::uint64_t{count});
    }
    /// Zeros up to the alignment behind `bytes` bytes.
    void pad(std::uint64_t bytes) {
        std::vector<std::byte> const zeros((0 - bytes) % alignment_);
        file_.write(zeros);
    }
    void write_header() {
        begun_ = true;
        std::string const pairs = std::exchange(header_, "GGUF");
        put(std::uint32_t{3});
        put(std::uint64_t{declared_.size()});
        put(std::uint64_t{keys_.size()});
        header_ += pairs;
        std::uint64_t at = 0;
        for (auto const& t : declared_) {
            text(t.name);
            put(static_cast<std::uint32_t>(t.shape.size()));
            for (auto n = t.shape.rbegin(); n != t.shape.rend(); ++n) put(static_cast<std::uint64_t>(*n));
            put(static_cast<std::uint32_t>(t.type));
            put(at);
            at += (t.bytes + alignment_ - 1) / alignment_ * alignment_;
        }
        file_.write(std::as_bytes(std::span(header_)));
        pad(header_.size());
    }

    file_writer           file_;
    std::uint64_t         alignment_;
    std::string           header_;  ///< until it is written: the metadata
    std::set<std::string> keys_;
    std::vector<tensor>   declared_;
    std::size_t           next_  = 0;
    bool                  begun_ = false;
};

namespace detail {
template <class To>
void append_as(std::span<float const> from, std::vector<std::byte>& to) {
    for (float const x : from) {
        To const  y = static_cast<To>(x);
        std::byte bytes[sizeof(To)];
        std::memcpy(bytes, static_cast<void const*>(&y), sizeof y);
        to.insert(to.end(), bytes, bytes + sizeof y);
    }
}
/// Blocks of 32: the scale is the largest magnitude / 127, rounded to half; each value is divided by it unrounded, halves away from zero
/// (gguf.quants, Q8_0.quantize_blocks).
inline void append_q8_0(std::span<float const> from, std::vector<std::byte>& to) {
    for (; !from.empty(); from = from.subspan(32)) {
        float largest = 0;
        for (float const x : from.first(32)) largest = std::max(largest, std::abs(x));
        float const scale = largest / 127.0f, inverse = scale == 0 ? 0.0f : 1.0f / scale;
        append_as<f16>(std::span(&scale, 1), to);
        for (float const x : from.first(32)) {
            float const a = std::abs(x * inverse), below = std::floor(a);
            float const q = below + std::floor(2 * (a - below));
            to.push_back(static_cast<std::byte>(static_cast<std::int8_t>(x < 0 ? -q : q)));
        }
    }
}
}  // namespace detail

/// Values as the bytes of a type; for Q8_0 their number must be a multiple of 32.
inline std::vector<std::byte> gguf_bytes(std::span<float const> from, gguf_type type) {
    std::vector<std::byte> to;
    to.reserve(from.size() * 4);
    if (type == gguf_type::f32) detail::append_as<float>(from, to);
    else if (type == gguf_type::f16) detail::append_as<f16>(from, to);
    else if (type == gguf_type::bf16) detail::append_as<bf16>(from, to);
    else {
        check(from.size() % 32 == 0, "Q8_0 has blocks of 32 values");
        detail::append_q8_0(from, to);
    }
    return to;
}

}  // namespace midtrain::inline MT_ABI::io
