#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/least_squares.hpp>

namespace midtrain::inline MT_ABI {

/// A training curve as the law sees it: what each step's rate was, and losses at some of the steps.
struct rated_curve {
    std::string               name;
    std::vector<double>       rates;   ///< of each step, the first one first
    std::vector<std::int64_t> steps;   ///< steps that were done, ascending, from 1
    std::vector<double>       losses;  ///< then, in nats a token
};

/// L = L0 + A S1^-alpha - C S2: the loss along any schedule (Tissue, Wang, Wang 2024, eq. 1). S1 is the sum of the rates so far, S2 the
/// area that annealing has gained: the sum over steps of a momentum M_i = memory M_{i-1} + (rate_{i-1} - rate_i).
struct decay_law {
    double floor = 0, scale = 0, power = 0, gain = 0;  ///< L0, A, alpha, C
    double memory = 0.999;                             ///< their lambda, of a step

    double loss(double area, double annealed) const { return floor + scale * std::pow(area, -power) - gain * annealed; }
};

/// S1 and S2 after each step.
struct annealing_areas {
    std::vector<double> area, annealed;

    annealing_areas(std::span<double const> rates, double memory) {
        double s1 = 0, s2 = 0, momentum = 0;
        for (std::size_t i = 0; i < rates.size(); ++i) {
            s1 += rates[i];
            if (i > 0) momentum = memory * momentum + (rates[i - 1] - rates[i]), s2 += momentum;
            area.push_back(s1), annealed.push_back(s2);
        }
    }
};

/// The losses that a law foretells along a schedule, after each of its steps.
inline std::vector<double> foretold(decay_law const& law, std::span<double const> rates) {
    annealing_areas const s(rates, law.memory);
    std::vector<double>   out;
    for (std::size_t i = 0; i < rates.size(); ++i) out.push_back(law.loss(s.area[i], s.annealed[i]));
    return out;
}

/// A fitted law with one standard error for each number, and how well it fits.
struct decay_law_fit {
    decay_law law, error;
    double    deviation = 0;  ///< root of the mean square of log(measured / foretold)
    std::size_t points  = 0;
};

struct decay_law_options {
    double      memory  = 0.999;  ///< given, not fitted, as in the paper
    std::size_t skipped = 0;      ///< steps at each curve's start that are left out, as a warm-up
    std::size_t blocks  = 10;     ///< of each curve: points within one are taken to err alike
};

namespace detail {

/// Points of all curves: S1, S2 and loss, and the block that each belongs to.
struct law_points {
    std::vector<double>      area, annealed, loss;
    std::vector<std::size_t> block;

    law_points(std::span<rated_curve const> curves, decay_law_options const& how) {
        std::size_t first_block = 0;
        for (auto const& c : curves) {
            annealing_areas const s(c.rates, how.memory);
            auto const            begin = loss.size();
            for (std::size_t i = 0; i < c.steps.size(); ++i) {
                auto const step = static_cast<std::size_t>(c.steps[i]);
                check(c.steps[i] >= 1 && step <= c.rates.size(), [&] { return c.name + ": a loss stands at a step that has no rate"; });
                if (step <= how.skipped || !(s.area[step - 1] > 0) || !(c.losses[i] > 0)) continue;
                area.push_back(s.area[step - 1]), annealed.push_back(s.annealed[step - 1]), loss.push_back(c.losses[i]);
            }
            auto const count = loss.size() - begin;
            for (std::size_t i = 0; i < count; ++i) block.push_back(first_block + i * how.blocks / count);
            first_block += how.blocks;
        }
    }
};

/// The jackknife's variance by blocks (CR3 of linear regression): the sum of m m', where m = (J'J - its J'J)^-1 its J' r is how far the
/// parameters move without the block. (n, n)
inline std::vector<double> clustered_variance(std::vector<double> const& r, std::vector<std::vector<double>> const& columns,
                                              std::vector<double> const& products, std::vector<std::size_t> const& block) {
    auto const          n = columns.size();
    std::vector<double> v(n * n);
    for (std::size_t i = 0; i < r.size();) {
        std::vector<double> g(n), left = products;
        for (auto const now = block[i]; i < r.size() && block[i] == now; ++i)
            for (std::size_t a = 0; a < n; ++a) {
                g[a] += columns[a][i] * r[i];
                for (std::size_t b = 0; b < n; ++b) left[a * n + b] -= columns[a][i] * columns[b][i];
            }
        auto const moved = solve_positive(std::move(left), std::move(g));
        check(!moved.empty(), "the curves do not tell all numbers of the law apart: give longer runs, or ones with other schedules");
        for (std::size_t a = 0; a < n; ++a)
            for (std::size_t b = 0; b < n; ++b) v[a * n + b] += moved[a] * moved[b];
    }
    return v;
}

}  // namespace detail

/// Fits the law to curves of one batch size, best of different schedules: least squares of log(measured / foretold), from several starts.
/// Errors allow for neighbours that err alike: they are the jackknife's by blocks of points.
inline decay_law_fit fit_decay_law(std::span<rated_curve const> curves, decay_law_options how = {}) {
    check(how.memory >= 0 && how.memory < 1 && how.blocks > 1,
          "a decay law's memory is at least 0 and below 1, and it has 2 blocks or more");
    detail::law_points const p(curves, how);
    check(p.loss.size() >= 20, [&] { return "a decay law needs 20 losses at least, and there are " + std::to_string(p.loss.size()); });
    double const lowest = *std::min_element(p.loss.begin(), p.loss.end()), area = *std::max_element(p.area.begin(), p.area.end()),
                 gained = *std::max_element(p.annealed.begin(), p.annealed.end());
    check(gained > 0, "no curve lowers its rate, so nothing tells what annealing gains");
    // Logarithms keep L0, A and alpha positive; the sum of rates is counted in shares of the largest.
    auto const law_at = [&](std::vector<double> const& x) {
        return decay_law{std::exp(x[0]), std::exp(x[1] + std::exp(x[2]) * std::log(area)), std::exp(x[2]), x[3] / gained, how.memory};
    };
    auto const residuals = [&](std::vector<double> const& x) {
        auto const          law = law_at(x);
        std::vector<double> r(p.loss.size());
        for (std::size_t i = 0; i < r.size(); ++i) r[i] = std::log(law.loss(p.area[i], p.annealed[i]) / p.loss[i]);
        return r;
    };
    least_squares_fit best;
    best.cost = HUGE_VAL;
    for (double share : {0.3, 0.6, 0.9})
        for (double power : {0.2, 0.5, 1.0}) {
            auto const fit = fit_least_squares(residuals, {std::log(share * lowest), std::log((1 - share) * lowest), std::log(power), 0.0});
            if (fit.cost < best.cost) best = fit;
        }
    auto const   law = law_at(best.at);
    auto const   v   = detail::clustered_variance(residuals(best.at), derivatives(residuals, best.at), best.products, p.block);
    auto const   of  = [&](std::array<double, 4> const& slope) {
        double sum = 0;
        for (std::size_t a = 0; a < 4; ++a)
            for (std::size_t b = 0; b < 4; ++b) sum += slope[a] * v[a * 4 + b] * slope[b];
        return std::sqrt(sum);
    };
    return {law,
            {of({law.floor, 0, 0, 0}), of({0, law.scale, law.scale * law.power * std::log(area), 0}), of({0, 0, law.power, 0}),
             of({0, 0, 0, 1 / gained}), how.memory},
            std::sqrt(2 * best.cost / static_cast<double>(p.loss.size())), p.loss.size()};
}

}  // namespace midtrain::inline MT_ABI
