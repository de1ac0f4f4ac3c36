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
    double whole[named_sources<double>::most], rest[named_sources<double>::most];
    check(weights.size() <= std::size(whole), "there are more than 64 sources");
    auto const all  = static_cast<double>(sequences);
    auto       left = sequences;
    // Each remainder is computed once: a compiler may round one expression in two ways in two places, and then their order is none.
    for (std::size_t i = 0; i < weights.size(); ++i) {
        double const asked = weights[i] * all;
        auto const   n     = static_cast<std::int64_t>(asked + 1e-9);
        whole[i]           = static_cast<double>(n);
        rest[i]            = asked - whole[i];
        left -= n;
    }
    auto const rank = [&](std::size_t i) {
        std::int64_t before = 0;
        for (std::size_t k = 0; k < weights.size(); ++k) before += weights[k] > 0 && (rest[k] > rest[i] || (rest[k] == rest[i] && k < i));
        return before;
    };
    for (std::size_t i = 0; i < weights.size(); ++i)
        if (weights[i] > 0 && rank(i) < left) whole[i] += 1;
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = whole[i] / all;
}

}  // namespace midtrain::inline MT_ABI::data
