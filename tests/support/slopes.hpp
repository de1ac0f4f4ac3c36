#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/core/types.hpp>

#ifndef MIDTRAIN_SLOPES
#define MIDTRAIN_SLOPES 1  // values of each tensor that a model of many is asked for; tests/nightly asks for more
#endif

namespace test {

/// The largest relative error of a gradient of doubles against central differences of `loss()`, `h` apart, over three values of every tensor,
/// or MIDTRAIN_SLOPES where there are more than twelve. What chooses experts is left out: it has no slope.
template <class Model, class Loss>
double worst_slope_error(Model& m, std::vector<double> const& gradient, double h, Loss const& loss) {
    double              worst  = 0;
    std::uint64_t const values = m.parameters().entries().size() > 12 ? MIDTRAIN_SLOPES : 3;
    for (auto const& e : m.parameters().entries())
        for (std::uint64_t k = 0; k < values; ++k) {
            if (e.name.ends_with("e_score_correction_bias")) continue;
            auto const   drawn = midtrain::mix_bits(k * 77 + static_cast<std::uint64_t>(e.offset)) % static_cast<std::uint64_t>(e.size());
            auto const   i     = e.offset + static_cast<midtrain::index_t>(drawn);
            double const w     = m.master()[i];
            auto const   at    = [&](double x) {
                m.master()[i] = x;
                m.refresh();
                return loss();
            };
            // Fourth order: its error is far below the tolerance, and rounding is 1e-16 / h.
            double const slope = (8 * (at(w + h) - at(w - h)) - (at(w + 2 * h) - at(w - 2 * h))) / (12 * h);
            at(w);
            worst = std::max(worst, std::abs(slope - gradient[static_cast<std::size_t>(i)]) / std::max(1e-3, std::abs(slope)));
        }
    return worst;
}

}  // namespace test
