#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>
#include <midtrain/core/permutation.hpp>

// Mixtures of experts written from the papers' equations, in double and without a thought of speed.
namespace test {

using numbers = std::vector<double>;

inline numbers softmax(numbers z) {
    double const top = *std::max_element(z.begin(), z.end());
    double       sum = 0;
    for (double& x : z) sum += x = std::exp(x - top);
    for (double& x : z) x /= sum;
    return z;
}

/// Mixture of grouped experts (Pangu Pro MoE, arXiv 2505.21411, eq. 1 to 4): `scores` of a token are the softmax over all experts; of each of
/// `groups` groups of equal size the `each` best take part with their scores, which a learned scale multiplies. expert(e) is E_e(x).
inline numbers mixture_of_grouped_experts(numbers const& scores, int groups, int each, numbers const& scale,
                                          std::function<numbers(int)> const& expert, numbers y) {
    int const size = static_cast<int>(scores.size()) / groups;
    for (int g = 0; g < groups; ++g) {
        std::vector<int> of_group;
        for (int e = g * size; e < (g + 1) * size; ++e) of_group.push_back(e);
        std::stable_sort(of_group.begin(), of_group.end(),
                         [&](int a, int b) { return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)]; });
        for (int j = 0; j < each; ++j) {
            auto const e   = static_cast<std::size_t>(of_group[static_cast<std::size_t>(j)]);
            auto const out = expert(static_cast<int>(e));
            for (std::size_t i = 0; i < y.size(); ++i) y[i] += scores[e] * scale[e] * out[i];
        }
    }
    return y;
}

/// Recycle routing (Hunyuan-Large, arXiv 2411.02265, section 2.2.2, and `top1gating` of its published code): a token goes to its best expert; one
/// that comes when that has `room` tokens already takes the next of the free places of all experts, which stand in a random order.
inline std::vector<int> recycled_experts(std::vector<numbers> const& scores, int room, std::uint64_t seed) {
    std::vector<int> chosen, held(scores.front().size()), places;
    std::vector<std::size_t> dropped;
    for (std::size_t t = 0; t < scores.size(); ++t) {
        chosen.push_back(static_cast<int>(std::max_element(scores[t].begin(), scores[t].end()) - scores[t].begin()));
        if (++held[static_cast<std::size_t>(chosen[t])] > room) dropped.push_back(t);
    }
    for (std::size_t e = 0; e < held.size(); ++e)
        for (int n = held[e]; n < room; ++n) places.push_back(static_cast<int>(e));
    midtrain::permutation const order(std::max<std::size_t>(places.size(), 1), seed);
    for (std::size_t n = 0; n < dropped.size(); ++n)
        chosen[dropped[n]] = n < places.size() ? places[static_cast<std::size_t>(order(n))] : -1;
    return chosen;
}

}  // namespace test
