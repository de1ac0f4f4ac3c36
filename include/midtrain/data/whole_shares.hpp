#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <midtrain/core/error.hpp>
#include <midtrain/mixture/named_sources.hpp>

namespace midtrain::inline MT_ABI::data {

/// The nearest weights that ask for whole sequences of so many: shares of n / sequences by largest remainder, the first of equals first.
/// Weights that are held over that many sequences then leave nothing owed at the end, whatever comes next.
inline void round_to_whole_shares(std::span<double> weights, std::int64_t sequences) {
    check(sequences > 0, "weights are held over at least one sequence");
    auto const         all   = static_cast<double>(sequences);
    auto const         whole = [&](double w) { return static_cast<std::int64_t>(w * all + 1e-9); };
    std::int64_t       left  = sequences;
    for (double w : weights) left -= whole(w);
    // Which are raised is known before any is, so that remainders stay those of the weights.
    auto const rest = [&](std::size_t i) { return weights[i] * all - static_cast<double>(whole(weights[i])); };
    auto const rank = [&](std::size_t i) {
        std::int64_t before = 0;
        for (std::size_t k = 0; k < weights.size(); ++k)
            before += weights[k] > 0 && (rest(k) > rest(i) || (rest(k) == rest(i) && k < i));
        return before;
    };
    double raised[named_sources<double>::most];
    check(weights.size() <= std::size(raised), "there are more than 64 sources");
    for (std::size_t i = 0; i < weights.size(); ++i)
        raised[i] = static_cast<double>(whole(weights[i]) + (weights[i] > 0 && rank(i) < left)) / all;
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = raised[i];
}

}  // namespace midtrain::inline MT_ABI::data
