#pragma once
#include <cstdint>
#include <midtrain/core/random.hpp>

namespace midtrain::inline MT_ABI {

/// A keyed shuffle of 0 .. size-1 without memory, size > 0: a four-round Feistel network over the next even power of two, walked along its
/// cycle until it falls inside (Black and Rogaway 2002). The same on every machine.
class permutation {
  public:
    MT_HOST_DEVICE constexpr permutation(std::uint64_t size, std::uint64_t key) : size_(size), key_(key) {
        MT_EXPECT(size > 0);
        int bits = 0;
        for (std::uint64_t most = size - 1; most > 0; most >>= 1) ++bits;
        half_ = bits > 0 ? (bits + 1) / 2 : 1;
    }

    MT_HOST_DEVICE constexpr std::uint64_t size() const { return size_; }

    /// Where i goes; i below size.
    MT_HOST_DEVICE constexpr std::uint64_t operator()(std::uint64_t i) const {
        do i = once(i);
        while (i >= size_);
        return i;
    }

  private:
    MT_HOST_DEVICE constexpr std::uint64_t once(std::uint64_t i) const {
        std::uint64_t const mask = (std::uint64_t{1} << half_) - 1;
        std::uint64_t       left = i >> half_, right = i & mask;
        for (std::uint64_t round = 0; round < 4; ++round) {
            std::uint64_t const next = left ^ (random_stream{key_, round}.bits(right) & mask);
            left                     = right;
            right                    = next;
        }
        return left << half_ | right;
    }

    std::uint64_t size_, key_;
    int           half_ = 1;
};

}  // namespace midtrain::inline MT_ABI
