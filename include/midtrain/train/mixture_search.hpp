#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/train/bootstrap.hpp>
#include <midtrain/train/mixture_law.hpp>
#include <midtrain/train/simplex.hpp>

namespace midtrain::inline MT_ABI {

struct mixture_search_options {
    std::vector<double> importance{};       ///< by target; none: all the same
    share_bounds        bounds{};           ///< by source; none: as far as the trials went, beyond which no suggestion goes
    int                 resamples = 1000;   ///< of the trials
    std::uint64_t       seed      = 1;
};

/// What a search suggests: shares by source with 95 % intervals, and the loss that is foretold there.
struct mixture_suggestion {
    std::vector<interval> shares;
    interval              loss;
    double                ridge = 0;
    double                rank_correlation = 0;  ///< Spearman's, of measured losses and those foretold from the other trials
    mixture_law           law;
};

namespace detail {

/// Mean losses that are foretold of each trial from the others.
inline std::vector<double> left_out_losses(std::span<mixture_trial const> trials, double ridge, bool curved,
                                           std::span<double const> importance) {
    std::vector<double> out, taken(trials.size(), 1.0);
    for (std::size_t i = 0; i < trials.size(); ++i) {
        taken[i] = 0;
        out.push_back(fit_mixture_law(trials, ridge, curved, taken).loss(trials[i].shares, importance));
        taken[i] = 1;
    }
    return out;
}
inline std::vector<double> ranks_of(std::span<double const> x) {
    std::vector<double> r(x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
        for (double y : x) r[i] += y < x[i] ? 1 : y == x[i] ? 0.5 : 0;
    return r;
}
inline double rank_correlation(std::span<double const> a, std::span<double const> b) {
    auto const x = ranks_of(a), y = ranks_of(b);
    double const mean = static_cast<double>(x.size()) / 2;
    double       xy = 0, xx = 0, yy = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
        xy += (x[i] - mean) * (y[i] - mean), xx += (x[i] - mean) * (x[i] - mean), yy += (y[i] - mean) * (y[i] - mean);
    return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}
inline interval middle(double value, std::vector<double> drawn) {
    std::sort(drawn.begin(), drawn.end());
    return {value, quantile(drawn, 0.025), quantile(drawn, 0.975)};
}

}  // namespace detail

/// A mixture from trials at other mixtures (RegMix, Liu et al. 2024, with the law above as its regression). Ridge and curvature are those
/// that foretell left-out trials best; intervals are of resampled trials.
inline mixture_suggestion suggest_mixture(std::span<mixture_trial const> trials, mixture_search_options how = {}) {
    check(!trials.empty(), "a mixture search needs trials");
    auto const sources = trials[0].shares.size(), targets = trials[0].losses.size();
    check(sources > 1 && targets > 0, "a mixture search needs two sources and a held-out loss at least");
    check(trials.size() >= sources + 2, [&] {
        return "a mixture search over " + std::to_string(sources) + " sources needs " + std::to_string(sources + 2) +
               " trials at least, and there are " + std::to_string(trials.size());
    });
    check(how.resamples > 0, "a mixture search resamples its trials");
    for (auto const& t : trials) {
        check(t.shares.size() == sources && t.losses.size() == targets, "the trials of a search have the same sources and held-out losses");
        for (double l : t.losses) check(l > 0 && std::isfinite(l), "a trial's held-out loss is not a positive number");
    }
    if (how.importance.empty()) how.importance.assign(targets, 1.0);
    how.bounds.fill(sources);
    for (std::size_t j = 0; j < sources; ++j) {
        auto const [low, high] = std::minmax_element(trials.begin(), trials.end(),
                                                     [&](auto const& a, auto const& b) { return a.shares[j] < b.shares[j]; });
        how.bounds.least[j] = std::max(how.bounds.least[j], low->shares[j]);
        how.bounds.most[j]  = std::min(how.bounds.most[j], high->shares[j]);
    }
    how.bounds.fill(sources, "no shares between the bounds lie within what the trials tried: scatter them further, or change the bounds");
    std::vector<double> measured, taken(trials.size(), 1.0);
    for (auto const& t : trials)
        measured.push_back(std::inner_product(t.losses.begin(), t.losses.end(), how.importance.begin(), 0.0) /
                           std::accumulate(how.importance.begin(), how.importance.end(), 0.0));
    mixture_suggestion out;
    double             least = HUGE_VAL;
    bool curved = false;
    for (bool bent : {false, true})
        for (double ridge : {1e-6, 1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0}) {
            auto const foretold = detail::left_out_losses(trials, ridge, bent, how.importance);
            double     off      = 0;
            for (std::size_t i = 0; i < trials.size(); ++i) off += (foretold[i] - measured[i]) * (foretold[i] - measured[i]);
            if (!(off < least)) continue;
            least = off, curved = bent;
            out.ridge = ridge, out.rank_correlation = detail::rank_correlation(foretold, measured);
        }
    out.law         = fit_mixture_law(trials, out.ridge, curved, taken);
    auto const best = best_shares(out.law, how.importance, how.bounds, trials);
    // Resampled laws begin where the law of all has its best, and at the best trial.
    auto const                       lowest = std::min_element(measured.begin(), measured.end()) - measured.begin();
    std::vector<mixture_trial> const starts{{best, {}}, trials[static_cast<std::size_t>(lowest)]};
    std::vector<std::vector<double>> drawn(sources);
    std::vector<double>              losses;
    random_stream const              random{how.seed, 0};
    for (int r = 0; r < how.resamples; ++r) {
        std::fill(taken.begin(), taken.end(), 0.0);
        for (std::size_t i = 0; i < trials.size(); ++i) {
            double const at = random.uniform(static_cast<std::uint64_t>(r) * trials.size() + i);
            ++taken[static_cast<std::size_t>(at * static_cast<double>(trials.size()))];
        }
        auto const law    = fit_mixture_law(trials, out.ridge, curved, taken);
        auto const shares = best_shares(law, how.importance, how.bounds, starts);
        for (std::size_t j = 0; j < sources; ++j) drawn[j].push_back(shares[j]);
        losses.push_back(law.loss(best, how.importance));
    }
    for (std::size_t j = 0; j < sources; ++j) out.shares.push_back(detail::middle(best[j], drawn[j]));
    out.loss = detail::middle(out.law.loss(best, how.importance), losses);
    return out;
}

}  // namespace midtrain::inline MT_ABI
