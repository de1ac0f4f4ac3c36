#pragma once
#include <midtrain/annealing/shapes.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

// Decays over a whole stage. As everywhere in the field, the last step itself runs one step short of the end.
namespace midtrain::inline MT_ABI::annealing {

/// rate = to + (from - to) * left(r), where r is the share of the budget that is done; or what the shape says between the two.
template <class Shape>
struct decay {
    required<double>            from, to;
    [[no_unique_address]] Shape shape{};

    constexpr double rate(progress at) const { return fall(shape, from, to, at.share()); }
    constexpr bool   fits(tokens) const { return shape_fits(shape, from, to); }
};
using linear         = decay<linear_shape>;
using cosine         = decay<cosine_shape>;
using one_minus_sqrt = decay<one_minus_sqrt_shape>;
using square         = decay<square_shape>;
using mirror_cosine  = decay<mirror_cosine_shape>;
using half_cosine    = decay<half_cosine_shape>;
using rex            = decay<rex_shape>;
using two_part       = decay<two_part_shape>;
using inverse        = decay<inverse_shape>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::cosine;
using annealing::half_cosine;
using annealing::linear;
using annealing::mirror_cosine;
using annealing::one_minus_sqrt;
using annealing::rex;
using annealing::two_part;
}  // namespace midtrain::inline MT_ABI
