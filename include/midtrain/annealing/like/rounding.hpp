#pragma once
#include <cstdint>
#include <midtrain/config.hpp>

// Whole numbers from real ones as Python has them, constexpr; exact for |x| < 2^53.
namespace midtrain::inline MT_ABI::annealing::like {

/// The largest whole number that is not above x, and no larger than 9e18.
constexpr std::int64_t floored(double x) {
    if (!(x > -9e18 && x < 9e18)) return x > 0 ? 9'000'000'000'000'000'000 : -9'000'000'000'000'000'000;
    auto const n = static_cast<std::int64_t>(x);
    return static_cast<double>(n) > x ? n - 1 : n;
}
/// The smallest whole number that is not below x: math.ceil.
constexpr std::int64_t ceiled(double x) { return -floored(-x); }
/// The nearest whole number, of two the even one: round of Python 3.
constexpr std::int64_t rounded(double x) {
    std::int64_t const n    = floored(x);
    double const       over = x - static_cast<double>(n);
    return over > 0.5 || (over == 0.5 && n % 2 != 0) ? n + 1 : n;
}

}  // namespace midtrain::inline MT_ABI::annealing::like
