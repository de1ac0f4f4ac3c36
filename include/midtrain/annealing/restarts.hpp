#pragma once
#include <midtrain/annealing/shapes.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::annealing {

/// The same decay `cycles` times over the stage, each from the start again (SGDR: Loshchilov and Hutter 2017; transformers'
/// cosine_with_restarts). Each cycle is `longer` times as long as the one before and begins at `lower` times its rate. It jumps by intent.
template <class Shape = cosine_shape>
struct restarts_of {
    required<double>            from, to;
    int                         cycles = 2;
    double                      longer = 1;
    double                      lower  = 1;
    [[no_unique_address]] Shape shape{};

    constexpr double rate(progress at) const {
        double r = at.share() < 0 ? 0.0 : at.share();
        if (r >= 1) return fall(shape, top(cycles - 1), to, 1.0);
        if (longer == 1) {
            auto const n = static_cast<int>(r * cycles);
            return fall(shape, top(n), to, r * cycles - n);
        }
        // Cycle n begins at (longer^n - 1) / (longer^cycles - 1) of the stage.
        double const all = math::pow(longer, cycles) - 1.0;
        int          n   = 0;
        double       begin = 0, size = (longer - 1.0) / all;
        for (; n + 1 < cycles && r >= begin + size; ++n) begin += size, size *= longer;
        return fall(shape, top(n), to, (r - begin) / size);
    }
    constexpr bool fits(tokens) const {
        return cycles >= 1 && longer > 0 && lower > 0 && shape_fits(shape, from, to) && shape_fits(shape, top(cycles - 1), to);
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    constexpr double top(int cycle) const { return lower == 1 ? from.value : to + (from - to) * math::pow(lower, cycle); }
};
using cosine_restarts = restarts_of<>;

}  // namespace midtrain::inline MT_ABI::annealing

namespace midtrain::inline MT_ABI {
using annealing::cosine_restarts;
using annealing::restarts_of;
}  // namespace midtrain::inline MT_ABI
