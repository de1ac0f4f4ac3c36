#pragma once
#include <cstdint>
#include <type_traits>
#include <midtrain/config.hpp>

// Eight-bit floats (Micikevicius and others 2022, arXiv 2209.05433), laid out like the vendors' types, readable without their headers.
namespace midtrain::inline MT_ABI {

/// Eight bits: a sign, `Exponent` bits with the usual bias, `Mantissa` bits. With Infinity the largest exponent is that of infinity and of
/// what is no number, as in IEEE 754; without it only the largest pattern of all is no number.
/// From float: round to nearest, ties to even; what rounds beyond the largest becomes infinity, or the largest where there is none
/// (PyTorch 2.15, and the conversions of NVIDIA GPUs with satfinite).
template <int Exponent, int Mantissa, bool Infinity>
struct fp8 {
    static_assert(Exponent + Mantissa == 7);

    static constexpr int           bias   = (1 << (Exponent - 1)) - 1;
    static constexpr std::uint32_t beyond = Infinity ? ((1u << Exponent) - 1) << Mantissa : 0x7fu;  ///< no finite number from here on

    std::uint8_t bits = 0;

    fp8() = default;
    MT_HOST_DEVICE constexpr explicit fp8(float x) {
        auto const          u = __builtin_bit_cast(std::uint32_t, x);
        std::uint32_t const a = u & 0x7fffffffu, sign = (u >> 24) & 0x80u;
        std::uint32_t       n = 0x7fu;
        if (a <= 0x7f800000u) {
            n = a < smallest_normal ? below_normal(a) : (a - ((127u - bias) << 23) + half + ((a >> shift) & 1u)) >> shift;
            if (a == 0x7f800000u || n >= beyond) n = Infinity ? beyond : beyond - 1;
        }
        bits = static_cast<std::uint8_t>(sign | n);
    }
    MT_HOST_DEVICE constexpr operator float() const {
        std::uint32_t const sign = std::uint32_t{bits & 0x80u} << 24, n = bits & 0x7fu;
        if (n >= beyond) return __builtin_bit_cast(float, sign | (Infinity && n == beyond ? 0x7f800000u : 0x7fc00000u));
        if (n >= 1u << Mantissa) return __builtin_bit_cast(float, sign | ((n << shift) + ((127u - bias) << 23)));
        float const small = static_cast<float>(n) * unit;
        return sign ? -small : small;
    }
    friend MT_HOST_DEVICE constexpr bool operator==(fp8 a, fp8 b) { return float(a) == float(b); }

    /// The largest finite value.
    static MT_HOST_DEVICE constexpr float largest() {
        fp8 x;
        x.bits = static_cast<std::uint8_t>(beyond - 1);
        return x;
    }

  private:
    static constexpr int           shift           = 23 - Mantissa;
    static constexpr std::uint32_t half            = (1u << (shift - 1)) - 1;
    static constexpr std::uint32_t smallest_normal = (128u - bias) << 23;
    static constexpr float         unit            = __builtin_bit_cast(float, (128u - bias - Mantissa) << 23);  // of values below it

    static MT_HOST_DEVICE constexpr std::uint32_t below_normal(std::uint32_t a) {
        float const scaled = __builtin_bit_cast(float, a) / unit;  // a power of two: exact
        auto const  n      = static_cast<std::uint32_t>(scaled);
        float const rest   = scaled - static_cast<float>(n);
        return n + (rest > 0.5f || (rest == 0.5f && (n & 1u)) ? 1u : 0u);
    }
};

/// Up to 448, without infinity: weights and activations.
using e4m3 = fp8<4, 3, false>;
/// Up to 57344: gradients.
using e5m2 = fp8<5, 2, true>;
static_assert(sizeof(e4m3) == 1 && std::is_trivially_copyable_v<e4m3> && e4m3::largest() == 448.0f && e5m2::largest() == 57344.0f);

}  // namespace midtrain::inline MT_ABI
