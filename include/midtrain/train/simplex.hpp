#pragma once
#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI {

/// Between which values the share of each source lies.
struct share_bounds {
    std::vector<double> least, most;  ///< by source; empty: 0 and 1

    /// Makes empty ones whole, and refuses bounds that no shares keep with the sentence `otherwise`.
    void fill(std::size_t sources, char const* otherwise = "no shares that sum to one lie between the bounds") {
        if (least.empty()) least.assign(sources, 0.0);
        if (most.empty()) most.assign(sources, 1.0);
        bool sound = least.size() == sources && most.size() == sources;
        for (std::size_t j = 0; sound && j < sources; ++j) sound = least[j] >= 0 && least[j] <= most[j] && most[j] <= 1;
        double const low = std::accumulate(least.begin(), least.end(), 0.0), high = std::accumulate(most.begin(), most.end(), 0.0);
        check(sound && low <= 1 + 1e-12 && high >= 1 - 1e-12, otherwise);
    }
};

/// The shares nearest to `wanted` that lie between the bounds and sum to one: all moved by the same amount, then cut.
inline std::vector<double> nearest_shares(std::vector<double> wanted, share_bounds const& bounds) {
    double low = -2 - *std::max_element(wanted.begin(), wanted.end()), high = 2 - *std::min_element(wanted.begin(), wanted.end());
    auto const moved = [&](double by) {
        auto x = wanted;
        for (std::size_t j = 0; j < x.size(); ++j) x[j] = std::clamp(x[j] + by, bounds.least[j], bounds.most[j]);
        return x;
    };
    for (int turn = 0; turn < 100; ++turn) {
        double const middle = (low + high) / 2;
        auto const   x      = moved(middle);
        (std::accumulate(x.begin(), x.end(), 0.0) < 1 ? low : high) = middle;
    }
    return moved(high);
}

}  // namespace midtrain::inline MT_ABI
