#pragma once
#include <bit>
#include <cstdint>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>

namespace midtrain::inline MT_ABI::data {

/// A keyed shuffle of 0 .. size-1 without memory: a four-round Feistel network over the next even power of two, walked along its
/// cycle until it falls inside (Black and Rogaway 2002). The same on every machine.
class permutation {
  public:
    permutation(std::uint64_t size, std::uint64_t key) : size_(size), key_(key) {
        check(size > 0, "a permutation needs at least one element");
        half_ = (std::bit_width(size - 1) + 1) / 2;
        if (half_ == 0) half_ = 1;
    }

    std::uint64_t size() const { return size_; }

    /// Where i goes; i below size.
    std::uint64_t operator()(std::uint64_t i) const {
        do i = once(i);
        while (i >= size_);
        return i;
    }

  private:
    std::uint64_t once(std::uint64_t i) const {
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
    int           half_;
};

}  // namespace midtrain::inline MT_ABI::data
