#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/train/document_loss.hpp>

namespace midtrain::inline MT_ABI {

/// A measured value between two bounds.
struct interval {
    double value = 0, low = 0, high = 0;
};

struct bootstrap_options {
    int           resamples = 10'000;
    double        level     = 0.95;
    std::uint64_t seed      = 0;
};

namespace detail {

/// Quantile of sorted values, linear between neighbours (type 7 of Hyndman and Fan 1996, as in numpy).
inline double quantile(std::vector<double> const& sorted, double q) {
    double const      at = q * static_cast<double>(sorted.size() - 1);
    std::size_t const i = static_cast<std::size_t>(at), next = std::min(i + 1, sorted.size() - 1);
    return sorted[i] + (at - static_cast<double>(i)) * (sorted[next] - sorted[i]);
}

/// Percentile interval of a ratio of sums over n pairs (numerator, denominator) drawn with replacement (Efron 1979).
/// Draw k of resample r is number k of stream r, so the interval is a function of its arguments.
inline interval bootstrap_ratio(std::vector<double> const& above, std::vector<double> const& below, bootstrap_options how) {
    check(how.resamples >= 2 && how.level > 0 && how.level < 1, "bootstrap: resamples is at least 2, level between 0 and 1");
    auto const   n     = static_cast<std::uint64_t>(above.size());
    auto const   whole = [&](auto const& pick) {
        double a = 0, b = 0;
        for (std::uint64_t k = 0; k < n; ++k) {
            auto const i = static_cast<std::size_t>(pick(k));
            a += above[i], b += below[i];
        }
        return a / b;
    };
    std::vector<double> drawn(static_cast<std::size_t>(how.resamples));
    for (std::size_t r = 0; r < drawn.size(); ++r) {
        random_stream const draws{how.seed, r};
        drawn[r] = whole([&](std::uint64_t k) { return (draws.bits(k) >> 32) * n >> 32; });
    }
    std::sort(drawn.begin(), drawn.end());
    double const out = (1 - how.level) / 2;
    return {whole([](std::uint64_t k) { return k; }), quantile(drawn, out), quantile(drawn, 1 - out)};
}

}  // namespace detail

/// Mean loss over tokens with its interval: documents are drawn anew, since tokens of one document are not independent.
inline interval bootstrap_mean(std::span<document_loss const> documents, bootstrap_options how = {}) {
    std::vector<double> loss, targets;
    for (auto const& d : documents)
        if (d.targets > 0) loss.push_back(d.loss), targets.push_back(static_cast<double>(d.targets));
    check(!loss.empty(), "a mean loss needs at least one document with a target");
    return detail::bootstrap_ratio(loss, targets, how);
}

/// Mean loss over tokens of `after` minus that of `before`, with its interval. Both saw the same documents, and each draw of a document
/// takes it from both, so what makes a document hard for both cancels. The difference is real at `level` when 0 lies outside.
inline interval bootstrap_difference(std::span<document_loss const> before, std::span<document_loss const> after,
                                     bootstrap_options how = {}) {
    check(before.size() == after.size(), [&] {
        return "a paired difference needs the same documents: " + std::to_string(before.size()) + " before, " +
               std::to_string(after.size()) + " after";
    });
    std::vector<double> difference, targets;
    for (std::size_t i = 0; i < before.size(); ++i) {
        check(before[i].targets == after[i].targets, [&] {
            return "a paired difference needs the same documents: document " + std::to_string(i) + " has " +
                   std::to_string(before[i].targets) + " targets before, " + std::to_string(after[i].targets) + " after";
        });
        if (before[i].targets == 0) continue;
        difference.push_back(after[i].loss - before[i].loss);
        targets.push_back(static_cast<double>(before[i].targets));
    }
    check(!targets.empty(), "a paired difference needs at least one document with a target");
    return detail::bootstrap_ratio(difference, targets, how);
}

}  // namespace midtrain::inline MT_ABI
