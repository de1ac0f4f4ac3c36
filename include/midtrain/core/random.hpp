#pragma once
#include <cstdint>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// 64 well-mixed bits from one word (SplitMix64's finaliser; Steele, Lea, Flood 2014).
MT_HOST_DEVICE constexpr std::uint64_t mix_bits(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/// Counter-based numbers: draw n of stream s under a seed. No state to save; the same on every machine.
struct random_stream {
    std::uint64_t seed   = 0;
    std::uint64_t stream = 0;

    MT_HOST_DEVICE constexpr std::uint64_t bits(std::uint64_t n) const {
        auto const key = mix_bits(seed + 0x9e3779b97f4a7c15ull) ^ mix_bits(stream + 0xd1b54a32d192ed03ull);
        return mix_bits(mix_bits(key + n * 0x9e3779b97f4a7c15ull) ^ key);
    }
    /// Uniform in [0, 1), 53 bits.
    MT_HOST_DEVICE constexpr double uniform(std::uint64_t n) const {
        return static_cast<double>(bits(n) >> 11) * 0x1p-53;
    }
};

}  // namespace midtrain::inline MT_ABI
