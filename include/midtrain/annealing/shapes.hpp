#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>

// Shapes of a decay. r is the share of it that is done: 0 before its first step, 1 after the last. A shape says what is left of the way
// from the start to the floor, `left(r)`, 1 at r = 0 and 0 at r = 1; or, where that depends on both, the rate `between(from, to, r)`.
namespace midtrain::inline MT_ABI::annealing {

/// 1 - r.
struct linear_shape {
    constexpr double left(double r) const { return 1.0 - r; }
};
/// (1 + cos(pi r)) / 2 (Loshchilov and Hutter 2017).
struct cosine_shape {
    constexpr double left(double r) const { return 0.5 * (1.0 + math::cos(math::pi * r)); }
};
/// 1 - sqrt(r) (Haegele et al. 2024).
struct one_minus_sqrt_shape {
    constexpr double left(double r) const { return 1.0 - math::sqrt(r); }
};
/// 1 - r^2: slow first (Haegele et al. 2024, epfml/schedules-and-scaling).
struct square_shape {
    constexpr double left(double r) const { return 1.0 - r * r; }
};
/// The cosine mirrored at the straight line, 2 (1 - r) - (1 + cos(pi r)) / 2 (epfml/schedules-and-scaling).
struct mirror_cosine_shape {
    constexpr double left(double r) const { return 2.0 * (1.0 - r) - 0.5 * (1.0 + math::cos(math::pi * r)); }
};
/// 1 + cos(pi (1 + r) / 2): the second half of a cosine, fast at first (OLMo-core's HalfCosWithWarmup, whose peak is half-way to the floor).
struct half_cosine_shape {
    constexpr double left(double r) const { return 1.0 + math::cos(0.5 * math::pi * (1.0 + r)); }
};
/// 2 * 2^-r - 1: what Megatron-LM (optimizer_param_scheduler.py) calls exponential; it reaches its floor.
struct halving_shape {
    constexpr double left(double r) const { return 2.0 * math::pow(0.5, r) - 1.0; }
};
/// z / (bend + (1 - bend) z), z = 1 - r: REX (Chen et al. 2021, which bends by 0.5; axolotl bends by 0.1). A bend of one is linear.
struct rex_shape {
    double bend = 0.5;

    constexpr double left(double r) const { return (1.0 - r) / (bend + (1.0 - bend) * (1.0 - r)); }
    constexpr bool   fits(double, double) const { return bend > 0 && bend <= 1; }
};
/// (1 - r)^power: transformers' polynomial decay; a power of one is linear.
struct polynomial_shape {
    double power = 2;

    constexpr double left(double r) const { return math::pow(1.0 - r, power); }
    constexpr bool   fits(double, double) const { return power > 0; }
};
/// Slow, then fast: in a straight line to what is left `at_turn` over a share `turn` of the decay, then in another to nothing.
struct two_part_shape {
    double turn    = 0.5;
    double at_turn = 0.8;

    constexpr double left(double r) const {
        return r < turn ? at_turn + (1.0 - at_turn) * (1.0 - r / turn) : at_turn * ((1.0 - r) / (1.0 - turn));
    }
    constexpr bool fits(double, double) const { return turn > 0 && turn < 1 && at_turn >= 0 && at_turn <= 1; }
};
/// from * (to / from)^r: the same ratio in every step. Both are above zero.
struct exponential_shape {
    constexpr double between(double from, double to, double r) const {
        return from > 0 && to > 0 ? from * math::exp(math::log(to / from) * r) : 0.0;
    }
    constexpr bool fits(double from, double to) const { return from > 0 && to > 0; }
};
/// 1 / (r / to + (1 - r) / from): the inverse falls in a straight line (WSD-S: Wen et al. 2024). Both are above zero.
struct inverse_shape {
    constexpr double between(double from, double to, double r) const {
        return from > 0 && to > 0 ? 1.0 / (r / to + (1.0 - r) / from) : 0.0;
    }
    constexpr bool fits(double from, double to) const { return from > 0 && to > 0; }
};

/// The rate after a share r of a fall: to + (from - to) * left(r). Outside of 0 .. 1 it stays at its end.
template <class Shape>
constexpr double fall(Shape const& shape, double from, double to, double r) {
    double const at = r < 0 ? 0.0 : r > 1 ? 1.0 : r;
    if constexpr (requires { shape.between(from, to, at); }) return shape.between(from, to, at);
    else return to + (from - to) * shape.left(at);
}

/// Whether the shape's numbers make sense, and it can go between these rates.
template <class Shape>
constexpr bool shape_fits(Shape const& shape, double from, double to) {
    if constexpr (requires { shape.fits(from, to); }) return shape.fits(from, to);
    else return true;
}

}  // namespace midtrain::inline MT_ABI::annealing
