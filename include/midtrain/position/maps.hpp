#pragma once
#include <midtrain/concepts/position_policy.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/types.hpp>

// What position policies are made of. All known methods are one form, f'(x, m, theta) = alpha(s) f(x, g(m), h(theta)), with
// theta = base^(-2 i / width) and the stretch s = extended / trained (YaRN paper, section 2; the surveys of mid-training). A policy's
// inverse_frequency is h, its position is g, its temperature alpha; each is one line over what stands here.
namespace midtrain::inline MT_ABI::position {

/// theta_i = base^(-2 i / width): the angle by which pair i turns at each position (Su et al. 2021).
constexpr double plain_frequency(double base, index_t pair, index_t width) {
    return math::exp(-2.0 * static_cast<double>(pair) / static_cast<double>(width) * math::log(base));
}
/// How often a frequency turns over `length` positions: r = length theta / 2 pi.
constexpr double turns_over(index_t length, double theta) { return static_cast<double>(length) * theta / (2.0 * math::pi); }

/// h = theta / s for none of it kept, theta for all: (1 - kept) theta / s + kept theta (YaRN paper, eq. 17).
constexpr double blended(double theta, double s, double kept) { return theta / s * (1.0 - kept) + theta * kept; }

/// From 0 at `low` to 1 at `high` in a straight line, and flat beyond.
constexpr double ramp(double x, double low, double high) {
    double const r = (x - low) / (high - low);
    return r < 0 ? 0.0 : r > 1 ? 1.0 : r;
}

/// The base whose slowest pair is that of `base` divided by s, while the fastest stays: base s^(D / (D - 2)), D = width (YaRN paper,
/// eq. 16).
constexpr double ntk_base(double base, double s, index_t width) {
    double const d = static_cast<double>(width);
    return base * math::pow(s, d / (d - 2.0));
}

/// 0.1 m ln s + 1: YaRN's temperature of queries and keys (eq. 22), and `get_mscale` of the code. One where nothing is stretched.
constexpr double yarn_heat_of(double s, double m = 1) { return s <= 1 ? 1.0 : 0.1 * m * math::log(s) + 1.0; }

constexpr double stretch(index_t trained, index_t extended) { return static_cast<double>(extended) / static_cast<double>(trained); }

/// What is wrong with a base and one context, or with a stretch of one.
constexpr position_fault rope_fault(double base, index_t context) {
    return base > 1 && base <= 1e300 && context >= 1 ? position_fault::none : position_fault::base;
}
constexpr position_fault rope_fault(double base, index_t trained, index_t extended) {
    if (auto const f = rope_fault(base, trained); f != position_fault::none) return f;
    return extended < trained ? position_fault::shrinks : position_fault::none;
}

}  // namespace midtrain::inline MT_ABI::position
