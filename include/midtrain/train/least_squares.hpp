#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI {

/// The solution of a symmetric positive definite system, (n, n) by rows, by Cholesky's decomposition; empty where it is none.
inline std::vector<double> solve_positive(std::vector<double> a, std::vector<double> b) {
    auto const n = b.size();
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
            double sum = a[i * n + j];
            for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 0)) return {};
            a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
        }
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
        b[i] /= a[i * n + i];
    }
    for (std::size_t i = n; i-- > 0;) {
        for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
        b[i] /= a[i * n + i];
    }
    return b;
}

/// Derivatives of `residuals(parameters)`, a vector, by each parameter: differences of both sides.
template <class Residuals>
std::vector<std::vector<double>> derivatives(Residuals const& residuals, std::vector<double> const& at) {
    std::vector<std::vector<double>> columns;
    for (std::size_t k = 0; k < at.size(); ++k) {
        auto         up = at, down = at;
        double const h  = 6e-6 * std::max(1e-3, std::abs(at[k]));
        up[k] += h, down[k] -= h;
        auto       column = residuals(up);
        auto const minus  = residuals(down);
        for (std::size_t i = 0; i < column.size(); ++i) column[i] = (column[i] - minus[i]) / (2 * h);
        columns.push_back(std::move(column));
    }
    return columns;
}

/// Where a least-squares fit has ended.
struct least_squares_fit {
    std::vector<double> at;          ///< the parameters
    double              cost = 0;    ///< half the sum of squares there
    int                 turns = 0;
    std::vector<double> products{};  ///< J'J there, (n, n)
};

/// The parameters at which half the sum of squares of `residuals(parameters)`, a vector, is least near `start`: Levenberg and Marquardt's
/// method, damped by the diagonal (Marquardt 1963).
template <class Residuals>
least_squares_fit fit_least_squares(Residuals const& residuals, std::vector<double> start, int most_turns = 500) {
    auto const n    = start.size();
    auto const cost = [](std::vector<double> const& r) {
        double sum = 0;
        for (double x : r) sum += x * x;
        return std::isfinite(sum) ? sum / 2 : HUGE_VAL;
    };
    auto   r = residuals(start);
    double c = cost(r), damping = 1e-3;
    check(std::isfinite(c), "a fit begins where the residuals are not finite");
    least_squares_fit out{start, c, 0, {}};
    for (; out.turns < most_turns && damping < 1e16; ++out.turns) {
        auto const          columns = derivatives(residuals, out.at);
        std::vector<double> g(n);
        out.products.assign(n * n, 0.0);
        for (std::size_t a = 0; a < n; ++a) {
            for (std::size_t i = 0; i < r.size(); ++i) g[a] -= columns[a][i] * r[i];
            for (std::size_t b = 0; b < n; ++b)
                for (std::size_t i = 0; i < r.size(); ++i) out.products[a * n + b] += columns[a][i] * columns[b][i];
        }
        double step = HUGE_VAL;
        for (; damping < 1e16; damping *= 4) {
            auto damped = out.products;
            for (std::size_t k = 0; k < n; ++k) damped[k * n + k] += damping * std::max(damped[k * n + k], 1e-12);
            auto const move = solve_positive(std::move(damped), g);
            if (move.empty()) continue;
            auto to = out.at;
            for (std::size_t k = 0; k < n; ++k) to[k] += move[k];
            auto         next = residuals(to);
            double const less = cost(next);
            if (!(less < out.cost)) continue;
            step = 0;
            for (std::size_t k = 0; k < n; ++k) step = std::max(step, std::abs(move[k]) / (std::abs(to[k]) + 1e-9));
            out.at = std::move(to), out.cost = less, r = std::move(next);
            damping = std::max(damping / 9, 1e-12);
            break;
        }
        if (step < 1e-12) break;
    }
    return out;
}

}  // namespace midtrain::inline MT_ABI
