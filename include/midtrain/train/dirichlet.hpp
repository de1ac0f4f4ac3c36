#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/random.hpp>

namespace midtrain::inline MT_ABI {

/// The logarithm of a number with density x^(shape - 1) e^-x (Marsaglia and Tsang 2000; below 1 by their note on a power of a uniform
/// number), so that small shapes do not end in zero.
inline double log_gamma_draw(double shape, random_stream const& random) {
    std::uint64_t n     = 0;
    double        extra = 0;
    if (shape < 1) extra = std::log(1 - random.uniform(n++)) / shape, shape += 1;
    double const d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
    for (;;) {
        double const radius = std::sqrt(-2 * std::log(1 - random.uniform(n++)));
        double const x      = radius * std::cos(2 * math::pi * random.uniform(n++)), u = 1 - random.uniform(n++);
        double const v      = (1 + c * x) * (1 + c * x) * (1 + c * x);
        if (v > 0 && std::log(u) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v) + extra;
    }
}

/// `count` mixtures drawn from Dirichlet's distribution with mean `around` and so many pseudo-counts: few scatter far, many stay near. The
/// first is `around` itself, so that a search also knows what one started from.
inline std::vector<std::vector<double>> dirichlet_mixtures(std::span<double const> around, std::size_t count, double pseudo_counts,
                                                           std::uint64_t seed) {
    double sum = 0;
    for (double x : around) check(x >= 0, "mixtures: a share is negative"), sum += x;
    check(sum > 0 && pseudo_counts > 0, "mixtures: the shares sum to more than 0, and so do pseudo-counts");
    std::vector<std::vector<double>> all;
    for (std::size_t i = 0; i < count; ++i) {
        std::vector<double> logs;
        double              largest = -HUGE_VAL, whole = 0;
        for (std::size_t j = 0; j < around.size(); ++j) {
            double const shape = pseudo_counts * around[j] / sum;
            logs.push_back(shape > 0 ? log_gamma_draw(shape, {seed, i * around.size() + j}) : -HUGE_VAL);
            largest = std::max(largest, logs.back());
        }
        std::vector<double> one;
        for (std::size_t j = 0; j < around.size(); ++j) {
            one.push_back(i == 0 ? around[j] / sum : std::exp(logs[j] - largest));
            whole += one.back();
        }
        for (double& x : one) x /= whole;
        all.push_back(std::move(one));
    }
    return all;
}

}  // namespace midtrain::inline MT_ABI
