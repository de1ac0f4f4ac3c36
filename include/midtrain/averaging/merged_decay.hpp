#pragma once
#include <cstdint>
#include <midtrain/concepts/annealing_policy.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::averaging {

/// A merge that stands in for a decay (WSM: Tian et al. 2025, arXiv 2507.17634, theorem 1): of k + 1 weights along the last `window` tokens
/// of a run at a constant rate, number j counts c_j, so that the updates between number i - 1 and number i keep the share
/// w_i = c_i + ... + c_k that a decay would have given them: c_0 = 1 - w_1, c_j = w_j - w_(j+1), c_k = w_k. `decay` is any annealing
/// policy; its rate over the window, divided by that at the window's start, is w. The weights are those after each `every` tokens.
template <class Decay>
struct merged_decay {
    required<tokens> window, every;
    Decay            decay;

    constexpr double share(progress at) const {
        static_assert(AnnealingPolicy<Decay>,
                      "midtrain: merged_decay.decay is not an AnnealingPolicy: it needs  double rate(progress) const");
        std::int64_t const last = count(), place = at.seen.count - (at.budget.count - window.value.count);
        if (last < 1 || place < 0) return 0;
        // Number j is taken at the first step that has done j * every tokens of the window; a step that passes several counts for all.
        std::int64_t const before = place - at.batch.count, taken = before < 0 ? -1 : before / every.value.count;
        std::int64_t const j      = place / every.value.count < last ? place / every.value.count : last;
        if (j <= taken) return 0;
        double const so_far = 1.0 - kept(j + 1);
        return so_far > 0 ? (kept(taken + 1) - kept(j + 1)) / so_far : 0.0;
    }
    /// k: the number of stretches between the weights that are merged.
    constexpr std::int64_t count() const { return every.value.count > 0 ? window.value.count / every.value.count : 0; }
    /// w_i: the share that the updates of stretch i keep; 1 before the first, 0 after the last.
    constexpr double kept(std::int64_t i) const {
        if (i < 1) return 1;
        if (i > count()) return 0;
        auto const rate = [&](std::int64_t n) { return static_cast<double>(decay.rate({n, n * every, count() * every, every})); };
        return rate(0) > 0 ? rate(i) / rate(0) : 0.0;
    }
};

}  // namespace midtrain::inline MT_ABI::averaging

namespace midtrain::inline MT_ABI {
using averaging::merged_decay;
}  // namespace midtrain::inline MT_ABI
