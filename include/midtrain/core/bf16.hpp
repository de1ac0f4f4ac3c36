#pragma once
#include <cstdint>
#include <type_traits>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// bfloat16: the upper half of a float. Laid out like the vendors' types, readable without their headers.
/// From float: round to nearest, ties to even; NaN stays NaN.
struct bf16 {
    std::uint16_t bits = 0;

    bf16() = default;
    MT_HOST_DEVICE constexpr explicit bf16(float x) {
        if (!__builtin_is_constant_evaluated()) {
            MT_BY_DEVICE({ asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x)); return; }, );
        }
        auto const u = __builtin_bit_cast(std::uint32_t, x);
        bits = (u & 0x7fffffffu) > 0x7f800000u ? static_cast<std::uint16_t>((u >> 16) | 0x40u)
                                               : static_cast<std::uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
    }
    MT_HOST_DEVICE constexpr operator float() const { return __builtin_bit_cast(float, std::uint32_t{bits} << 16); }
    friend MT_HOST_DEVICE constexpr bool operator==(bf16 a, bf16 b) { return float(a) == float(b); }
};
static_assert(sizeof(bf16) == 2 && std::is_trivially_copyable_v<bf16>);

/// IEEE half, as bits; for reading and writing files only.
struct f16 {
    std::uint16_t bits = 0;

    f16() = default;
    constexpr explicit f16(float x) {
        auto const u    = __builtin_bit_cast(std::uint32_t, x);
        auto const sign = static_cast<std::uint16_t>((u >> 16) & 0x8000u);
        auto const a    = u & 0x7fffffffu;
        if (a > 0x7f800000u) bits = sign | 0x7e00u;
        else if (a >= 0x477ff000u) bits = sign | 0x7c00u;  // 65520 and above rounds to infinity
        else if (a < 0x38800000u) {                        // below 2^-14: subnormal, in units of 2^-24
            float const scaled = __builtin_bit_cast(float, a) * 16777216.0f;
            auto        n      = static_cast<std::uint32_t>(scaled);
            float const rest   = scaled - static_cast<float>(n);
            n += rest > 0.5f || (rest == 0.5f && (n & 1u));
            bits = static_cast<std::uint16_t>(sign | n);
        } else
            bits = static_cast<std::uint16_t>(sign | ((a - 0x38000000u + 0xfffu + ((a >> 13) & 1u)) >> 13));
    }
    constexpr operator float() const {
        std::uint32_t const sign = std::uint32_t{bits & 0x8000u} << 16;
        std::uint32_t const e = (bits >> 10) & 31u, m = bits & 1023u;
        if (e == 31) return __builtin_bit_cast(float, sign | 0x7f800000u | (m << 13));
        if (e != 0) return __builtin_bit_cast(float, sign | ((e + 112u) << 23) | (m << 13));
        float const small = static_cast<float>(m) * 5.9604644775390625e-8f;
        return sign ? -small : small;
    }
};

/// The type in which a stored type is computed: double for double, float for everything else.
template <class T>
using computed_t = std::conditional_t<std::is_same_v<std::remove_cv_t<T>, double>, double, float>;

}  // namespace midtrain::inline MT_ABI
