#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/least_squares.hpp>
#include <midtrain/train/simplex.hpp>

namespace midtrain::inline MT_ABI {

/// A small run of a search: the shares of the sources, and the held-out loss of each target afterwards, in nats a token.
struct mixture_trial {
    std::vector<double> shares, losses;
};

/// log(loss of target t) = sum over sources of slope[t][j] share[j]: the exponential form of data-mixing laws (Ye et al. 2024, eq. 1,
/// without its constant). A curved one has further slopes for sqrt(share[j] + 0.001): the first tokens of a source help most.
struct mixture_law {
    bool                             curved = false;
    std::vector<std::vector<double>> slope{};  // (targets, sources or twice as many)

    /// What the slopes belong to.
    static std::vector<double> features(std::span<double const> shares, bool curved) {
        std::vector<double> x(shares.begin(), shares.end());
        for (std::size_t j = 0; curved && j < shares.size(); ++j) x.push_back(std::sqrt(shares[j] + 1e-3));
        return x;
    }
    double log_loss(std::size_t target, std::span<double const> shares) const {
        auto const x = features(shares, curved);
        return std::inner_product(x.begin(), x.end(), slope[target].begin(), 0.0);
    }
    /// Derivative of log_loss by the share of source j.
    double pull(std::size_t target, std::span<double const> shares, std::size_t j) const {
        double const straight = slope[target][j];
        return curved ? straight + slope[target][shares.size() + j] / (2 * std::sqrt(shares[j] + 1e-3)) : straight;
    }
    /// Mean loss over targets, weighted by `importance`.
    double loss(std::span<double const> shares, std::span<double const> importance) const {
        double sum = 0, all = 0;
        for (std::size_t t = 0; t < slope.size(); ++t) sum += importance[t] * std::exp(log_loss(t, shares)), all += importance[t];
        return sum / all;
    }
};

/// The law of some trials, by ridge regression of logarithms about their mean; `taken` says how often each trial counts.
inline mixture_law fit_mixture_law(std::span<mixture_trial const> trials, double ridge, bool curved, std::span<double const> taken) {
    auto const                       n     = trials[0].shares.size() * (curved ? 2 : 1);
    double                           count = 0;
    mixture_law                      law{.curved = curved};
    std::vector<double>              products(n * n);
    std::vector<std::vector<double>> x;
    for (std::size_t i = 0; i < trials.size(); ++i) {
        count += taken[i];
        x.push_back(mixture_law::features(trials[i].shares, curved));
        for (std::size_t a = 0; a < n; ++a)
            for (std::size_t b = 0; b < n; ++b) products[a * n + b] += taken[i] * x[i][a] * x[i][b];
    }
    for (std::size_t a = 0; a < n; ++a) products[a * n + a] += ridge;
    for (std::size_t t = 0; t < trials[0].losses.size(); ++t) {
        double mean = 0;
        for (std::size_t i = 0; i < trials.size(); ++i) mean += taken[i] * std::log(trials[i].losses[t]) / count;
        std::vector<double> right(n);
        for (std::size_t i = 0; i < trials.size(); ++i)
            for (std::size_t a = 0; a < n; ++a) right[a] += taken[i] * x[i][a] * (std::log(trials[i].losses[t]) - mean);
        auto slope = solve_positive(products, std::move(right));
        check(!slope.empty(), "the trials do not tell the sources apart");
        for (std::size_t j = 0; j < trials[0].shares.size(); ++j) slope[j] += mean;  // the shares sum to one
        law.slope.push_back(std::move(slope));
    }
    return law;
}

/// The shares near `from` at which a law's loss is least, each between its bounds: descent with projection. The loss of a law that is not
/// curved is convex, so that there is no other.
inline std::vector<double> best_shares(mixture_law const& law, std::span<double const> importance, share_bounds const& bounds,
                                       std::vector<double> from) {
    auto const   n = from.size();
    auto         at = nearest_shares(std::move(from), bounds);
    double       here = law.loss(at, importance), step = 0.1;
    double const all = std::accumulate(importance.begin(), importance.end(), 0.0);
    for (int turn = 0; turn < 2000 && step > 1e-9; ++turn) {
        std::vector<double> to = at;
        for (std::size_t t = 0; t < law.slope.size(); ++t) {
            double const pull = step * importance[t] / all * std::exp(law.log_loss(t, at));
            for (std::size_t j = 0; j < n; ++j) to[j] -= pull * law.pull(t, at, j);
        }
        to = nearest_shares(to, bounds);
        double const there = law.loss(to, importance);
        if (there < here) at = std::move(to), here = there, step *= 1.5;
        else step /= 2;
    }
    return at;
}
/// The best of several starts.
inline std::vector<double> best_shares(mixture_law const& law, std::span<double const> importance, share_bounds const& bounds,
                                       std::span<mixture_trial const> starts) {
    std::vector<double> best;
    for (auto const& s : starts) {
        auto at = best_shares(law, importance, bounds, s.shares);
        if (best.empty() || law.loss(at, importance) < law.loss(best, importance)) best = std::move(at);
    }
    return best;
}

}  // namespace midtrain::inline MT_ABI
