#pragma once
#include <cstdint>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI::op {

/// |x| as bits, whose order is that of the sizes: infinity above all numbers, what is no number above infinity.
MT_HOST_DEVICE constexpr std::uint32_t size_bits(float x) { return __builtin_bit_cast(std::uint32_t, x) & 0x7fffffffu; }

/// The monoid of those bits: exact, so no order of a reduction changes it.
struct largest_bits {
    template <class T>
    MT_HOST_DEVICE static constexpr T identity() { return 0; }
    template <class T>
    MT_HOST_DEVICE static constexpr T combine(T a, T b) { return a < b ? b : a; }
};

/// The scale of values of which the largest has those bits, so that x / scale is within `limit`: largest / limit, as DeepSeek's and
/// PyTorch's kernels have it, on demand rounded up to a power of two, and at least 2^-126. All zero: 1. With infinity or what is no number
/// among them: no number, and so becomes all that they are multiplied into.
MT_HOST_DEVICE constexpr float fp8_scale(std::uint32_t most, float limit, bool power_of_two) {
    constexpr std::uint32_t infinity = 0x7f800000u, smallest_normal = 0x00800000u, mantissa = 0x007fffffu;
    if (most == 0) return 1;
    if (most >= infinity) return __builtin_bit_cast(float, 0x7fc00000u);
    auto bits = __builtin_bit_cast(std::uint32_t, __builtin_bit_cast(float, most) / limit);
    if (power_of_two) bits = (bits + mantissa) & infinity;
    return __builtin_bit_cast(float, bits < smallest_normal ? smallest_normal : bits);
}

}  // namespace midtrain::inline MT_ABI::op
