#pragma once
#include <cstdint>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// c ? a : b by bits. Where a is a constant, g++ would compute what follows from it in a branch of its own, and a loop with a branch in which
/// floating-point operations might trap does not become vector code.
MT_HOST_DEVICE MT_INLINE float select(bool c, float a, float b) {
    auto const chosen = 0u - static_cast<std::uint32_t>(c);
    return __builtin_bit_cast(float, (chosen & __builtin_bit_cast(std::uint32_t, a)) | (~chosen & __builtin_bit_cast(std::uint32_t, b)));
}

/// exp(x) in float, without a branch or a call, so that loops over it become vector code: 2^n e^r with n = round(x / ln 2), ln 2 in
/// two parts, and a polynomial for e^r (the coefficients of Cephes' expf, Moshier 1984). Within 2 ulp on [-87.3, 88.3];
/// below that 0 (minus infinity included), above it the value at 88.3; NaN stays NaN.
MT_HOST_DEVICE MT_INLINE float fast_exp(float x) {
    float const in   = select(x < -87.3f, -87.3f, select(x > 88.3f, 88.3f, x));
    float const n    = (in * 1.44269504088896341f + 12582912.0f) - 12582912.0f;  // 1.5 * 2^23: rounds to nearest
    float const r    = (in - n * 0.693359375f) + n * 2.12194440e-4f;
    float       p    = 1.9875691500e-4f;
    p                = p * r + 1.3981999507e-3f;
    p                = p * r + 8.3334519073e-3f;
    p                = p * r + 4.1665795894e-2f;
    p                = p * r + 1.6666665459e-1f;
    p                = p * r + 5.0000001201e-1f;
    p                = p * r * r + r + 1.0f;
    auto const power = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) + 127) << 23;
    float const y    = p * __builtin_bit_cast(float, power);
    return select(x < -87.3f, 0.0f, y);
}

}  // namespace midtrain::inline MT_ABI
