#pragma once
#include <cstdint>
#include <midtrain/config.hpp>

// Elementary functions in double that are constexpr everywhere (the library's are not, in nvcc and clang), and used at run time too,
// so that a plan and the run that follows it give the same bits.
namespace midtrain::inline MT_ABI::math {

inline constexpr double pi  = 3.14159265358979323846;
inline constexpr double ln2 = 0.69314718055994530942;
// By their bits: nvcc does not let device code call std::numeric_limits.
inline constexpr double infinity     = __builtin_bit_cast(double, 0x7ff0000000000000ull);
inline constexpr double not_a_number = __builtin_bit_cast(double, 0x7ff8000000000000ull);

/// a * b, rounded before it is added to anything: a compiler for a processor that multiplies and adds in one instruction would round the sum alone.
constexpr float product(float a, float b) {
    float x = a * b;
    if (!__builtin_is_constant_evaluated()) asm("" : "+m"(x));
    return x;
}

/// x * 2^n for n in -1022 .. 1023.
MT_HOST_DEVICE constexpr double scale(double x, int n) {
    return x * __builtin_bit_cast(double, static_cast<std::uint64_t>(n + 1023) << 52);
}

/// e^x: x = n ln 2 + r, and a Taylor sum of e^r, |r| <= 0.35, whose rest is below 1e-17.
MT_HOST_DEVICE constexpr double exp(double x) {
    if (x != x) return x;
    if (x > 709.7) return infinity;
    if (x < -708.0) return 0.0;
    int const    n = static_cast<int>(x / ln2 + (x < 0 ? -0.5 : 0.5));
    double const r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;  // ln 2 in two parts
    double       s = 1.0;
    for (int k = 14; k > 0; --k) s = 1.0 + s * r / k;
    return n > 1000 ? scale(scale(s, 1000), n - 1000) : scale(s, n);
}

/// Natural logarithm of a normal number: x = m 2^n with m in [sqrt(1/2), sqrt(2)), and log m = 2 atanh((m - 1) / (m + 1)).
MT_HOST_DEVICE constexpr double log(double x) {
    if (!(x > 0)) return x == 0 ? -infinity : not_a_number;
    auto const u = __builtin_bit_cast(std::uint64_t, x);
    int        n = static_cast<int>(u >> 52) - 1023;
    double     m = __builtin_bit_cast(double, (u & 0xfffffffffffffull) | 0x3ff0000000000000ull);
    if (m > 1.41421356237309504880) {
        m *= 0.5;
        ++n;
    }
    double const z = (m - 1.0) / (m + 1.0), z2 = z * z;
    double       s = 0.0;
    for (int k = 23; k >= 3; k -= 2) s = (s + 1.0 / k) * z2;
    return n * 6.93147180369123816490e-01 + (n * 1.90821492927058770002e-10 + 2.0 * z * (1.0 + s));
}

/// a^b for a > 0; 0^b is 0 for b > 0 and 1 for b == 0.
MT_HOST_DEVICE constexpr double pow(double a, double b) {
    if (b == 0) return 1.0;
    if (a == 0) return 0.0;
    return exp(b * log(a));
}

/// Square root by Newton's method from a guess good to a few bits.
MT_HOST_DEVICE constexpr double sqrt(double x) {
    if (!(x > 0)) return x == 0 ? x : not_a_number;
    double y = __builtin_bit_cast(double, (__builtin_bit_cast(std::uint64_t, x) >> 1) + 0x1ff8000000000000ull);
    for (int k = 0; k < 6; ++k) y = 0.5 * (y + x / y);
    return y;
}

/// cos(x) for |x| up to about 1e5, which is all that schedules ask for: to the nearest half turn, then a Taylor sum.
MT_HOST_DEVICE constexpr double cos(double x) {
    auto const   turns = static_cast<std::int64_t>(x / pi + (x < 0 ? -0.5 : 0.5));
    double const r = (x - static_cast<double>(turns) * 3.14159265346825122834) - static_cast<double>(turns) * 1.21542010130123844986e-10;
    double       s     = 1.0;
    for (int k = 24; k > 0; k -= 2) s = 1.0 - s * r * r / (k * (k - 1));
    return turns % 2 == 0 ? s : -s;
}

}  // namespace midtrain::inline MT_ABI::math
