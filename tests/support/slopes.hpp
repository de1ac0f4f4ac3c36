#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>

namespace test {

/// The largest relative error of a model's gradient against central differences, over three values of every tensor; two sequences of
/// `length` tokens, of which the second holds two documents. For models without a rotary table.
template <class Family, class Shape>
double worst_slope(midtrain::pass_mode mode, midtrain::index_t length) {
    namespace mt = midtrain;
    mt::host                                         device(2);
    mt::trainable<mt::host, Family, Shape, mt::fp64> m(device, {}, mode);
    m.initialise(1);
    auto const          owned = owned_batch::random(2, length, 96, static_cast<std::int32_t>(length / 2 - 1));
    auto const          b     = owned.view();
    std::vector<double> by_token(static_cast<std::size_t>(b.count()));
    auto const          losses = mt::row_view<double>{by_token.data(), b.count()};
    m.zero_gradient();
    m.accumulate(b, losses);
    double worst = 0;
    for (auto const& e : m.parameters().entries())
        for (std::uint64_t k = 0; k < 3; ++k) {
            auto const   drawn = mt::mix_bits(k * 77 + static_cast<std::uint64_t>(e.offset)) % static_cast<std::uint64_t>(e.size());
            auto const   i = e.offset + static_cast<mt::index_t>(drawn);
            double const w = m.master()[i], h = 1e-4;
            auto const   at = [&](double x) {
                m.master()[i] = x;
                m.refresh();
                m.evaluate(b, losses);
                double total = 0;
                for (double l : by_token) total += l;
                return total / b.target_count;
            };
            // Fourth order: its error is far below the tolerance, and rounding is 1e-16 / h.
            double const slope = (8 * (at(w + h) - at(w - h)) - (at(w + 2 * h) - at(w - 2 * h))) / (12 * h);
            at(w);
            worst = std::max(worst, std::abs(slope - m.gradient()[i]) / std::max(1e-3, std::abs(slope)));
        }
    return worst;
}

}  // namespace test
