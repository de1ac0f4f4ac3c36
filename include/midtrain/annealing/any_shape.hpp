#pragma once
#include <midtrain/annealing/shapes.hpp>
#include <midtrain/core/choice.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// A decay's shape that only a file names.
struct any_shape : choice<option<"linear", linear_shape>, option<"cosine", cosine_shape>, option<"one_minus_sqrt", one_minus_sqrt_shape>,
                          option<"square", square_shape>, option<"mirror_cosine", mirror_cosine_shape>,
                          option<"half_cosine", half_cosine_shape>, option<"halving", halving_shape>,
                          option<"exponential", exponential_shape>, option<"inverse", inverse_shape>, option<"rex", rex_shape>,
                          option<"polynomial", polynomial_shape>, option<"two_part", two_part_shape>> {
    using any_shape::choice::choice;

    double between(double from, double to, double r) const {
        return visit([&](auto const& shape) { return fall(shape, from, to, r); });
    }
    bool fits(double from, double to) const {
        return visit([&](auto const& shape) { return shape_fits(shape, from, to); });
    }
};

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::any_shape;
}
