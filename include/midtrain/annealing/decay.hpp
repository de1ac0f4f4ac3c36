#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

// Decays over a whole stage. r is the share of the budget that is done: 0 before the first step, 1 after the last. As everywhere
// in the field, the last step itself runs one step short of the end.
namespace midtrain::inline MT_ABI::annealing {

/// What is left of the way from peak to floor after a share r: 1 at r = 0, 0 at r = 1.
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

/// rate = to + (from - to) * left(r).
template <class Shape>
struct decay {
    required<double> from, to;

    constexpr double rate(progress at) const {
        double const r = at.share();
        return to + (from - to) * Shape{}.left(r < 0 ? 0.0 : r > 1 ? 1.0 : r);
    }
};
using linear         = decay<linear_shape>;
using cosine         = decay<cosine_shape>;
using one_minus_sqrt = decay<one_minus_sqrt_shape>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::cosine;
using annealing::linear;
using annealing::one_minus_sqrt;
}  // namespace midtrain::inline MT_ABI
