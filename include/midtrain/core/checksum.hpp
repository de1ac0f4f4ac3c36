#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <midtrain/core/random.hpp>

namespace midtrain::inline MT_ABI {

/// A 64-bit checksum against broken files, not against malice: four running words, each eight bytes xored in, multiplied by an odd
/// number and folded; at the end mixed with the length. Bytes may come in pieces of any size. Little-endian machines.
class checksum {
  public:
    checksum& add(std::span<std::byte const> bytes) {
        length_ += bytes.size();
        if (bytes.empty()) return *this;
        if (kept_ > 0) bytes = bytes.subspan(fill(bytes));
        if (kept_ == block) take(kept_bytes_), kept_ = 0;
        for (; bytes.size() >= block; bytes = bytes.subspan(block)) take(bytes.data());
        if (!bytes.empty()) fill(bytes);
        return *this;
    }
    std::uint64_t value() const {
        auto rest = *this;
        if (rest.kept_ > 0) {
            std::memset(rest.kept_bytes_ + rest.kept_, 0, block - rest.kept_);
            rest.take(rest.kept_bytes_);
        }
        std::uint64_t v = length_;
        for (auto w : rest.word_) v = mix_bits(v ^ w);
        return v;
    }
    /// Sixteen hexadecimal digits.
    std::string text() const {
        std::string s;
        for (int shift = 60; shift >= 0; shift -= 4) s += "0123456789abcdef"[value() >> shift & 15];
        return s;
    }

  private:
    static constexpr std::size_t block = 32;

    std::size_t fill(std::span<std::byte const> bytes) {
        std::size_t const n = bytes.size() < block - kept_ ? bytes.size() : block - kept_;
        std::memcpy(kept_bytes_ + kept_, bytes.data(), n);
        kept_ += n;
        return n;
    }
    void take(std::byte const* from) {
        std::uint64_t x[4];
        std::memcpy(x, from, block);
        for (int i = 0; i < 4; ++i) {
            std::uint64_t const y = (word_[i] ^ x[i]) * 0x9e3779b97f4a7c15ull;
            word_[i]              = y ^ y >> 29;
        }
    }

    std::uint64_t word_[4] = {1, 2, 3, 4};
    std::uint64_t length_  = 0;
    std::size_t   kept_    = 0;
    std::byte     kept_bytes_[block]{};
};

}  // namespace midtrain::inline MT_ABI
