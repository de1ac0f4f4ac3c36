#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>
#include <midtrain/core/random.hpp>

// How other trainers decide which source each sequence of a fixed mixture comes from, derived anew from their code: the number of a source
// for each of `length` sequences.
namespace test {

using shares = std::vector<double>;

/// Megatron-LM, core/datasets/helpers.cpp, build_blending_indices: whoever lacks most of weight * max(n, 1), the first of equals.
inline std::vector<std::size_t> megatron_blend(shares const& w, std::int64_t length) {
    std::vector<std::int64_t> drawn(w.size());
    std::vector<std::size_t>  order;
    for (std::int64_t n = 0; n < length; ++n) {
        double const reached = std::max(static_cast<double>(n), 1.0);
        std::size_t  most    = 0;
        for (std::size_t i = 1; i < w.size(); ++i)
            if (w[i] * reached - static_cast<double>(drawn[i]) > w[most] * reached - static_cast<double>(drawn[most])) most = i;
        ++drawn[most];
        order.push_back(most);
    }
    return order;
}

/// A shuffle of what is there already; which generator the other trainer takes does not matter here.
inline void shuffle(std::vector<std::size_t>& order, std::size_t begin, std::uint64_t seed) {
    for (std::size_t i = order.size(); i > begin + 1; --i)
        std::swap(order[i - 1], order[begin + midtrain::random_stream{seed, 3}.bits(i) % (i - begin)]);
}

/// levanter, data/mixture.py, MixtureDataset: in each block floor(weight * block) of each source, the remainder to the largest, shuffled.
inline std::vector<std::size_t> levanter_blocks(shares const& w, std::int64_t length, std::int64_t block, std::uint64_t seed) {
    std::vector<std::int64_t> count;
    for (double x : w) count.push_back(static_cast<std::int64_t>(x * static_cast<double>(block)));
    *std::max_element(count.begin(), count.end()) += block - std::accumulate(count.begin(), count.end(), std::int64_t{0});
    std::vector<std::size_t> order;
    while (static_cast<std::int64_t>(order.size()) < length) {
        std::size_t const begin = order.size();
        for (std::size_t i = 0; i < w.size(); ++i) order.insert(order.end(), static_cast<std::size_t>(count[i]), i);
        shuffle(order, begin, seed + begin);
    }
    order.resize(static_cast<std::size_t>(length));
    return order;
}

/// OLMo-core, data/source_mixture.py: int(weight * total) of each source, all shuffled together. What rounding leaves over is missing there;
/// here it goes to the first source, so that all orders are equally long.
inline std::vector<std::size_t> olmo_mixture(shares const& w, std::int64_t length, std::uint64_t seed) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < w.size(); ++i)
        order.insert(order.end(), static_cast<std::size_t>(w[i] * static_cast<double>(length)), i);
    order.resize(static_cast<std::size_t>(length), 0);
    shuffle(order, 0, seed);
    return order;
}

/// The farthest that any source ever is from its share, in sequences, over all beginnings of the order.
inline double farthest_from(shares const& w, std::vector<std::size_t> const& order) {
    std::vector<double> drawn(w.size());
    double              worst = 0;
    for (std::size_t n = 0; n < order.size(); ++n) {
        ++drawn[order[n]];
        for (std::size_t i = 0; i < w.size(); ++i) worst = std::max(worst, std::abs(drawn[i] - w[i] * static_cast<double>(n + 1)));
    }
    return worst;
}

}  // namespace test
