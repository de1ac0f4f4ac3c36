#pragma once
#include <cstddef>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/each.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/arithmetic.hpp>
#include <midtrain/mixture/sources.hpp>

// Weights from how many tokens each source has. The sizes are compared with the files before the first step.
namespace midtrain::inline MT_ABI::mixture {

/// weight = size^(1 / temperature) / sum of all (Devlin's multilingual BERT; Conneau and Lample 2019). 1: by size; large: all alike.
template <template <class> class Sources>
struct tempered_mixture {
    Sources<each<tokens>> sizes;
    required<double>          temperature;

    constexpr auto weights(progress) const {
        auto w = as_array(sizes);
        for (double& x : w) x = x > 0 ? math::pow(x, 1 / temperature) : 0.0;
        return scaled_to(w, 1);
    }
    constexpr mixture_flaw flaw(progress) const {
        return temperature > 0 && sum_of(as_array(sizes)) > 0 ? mixture_flaw::none : mixture_flaw::not_above_zero;
    }
};

/// As uniform as `epochs` passes over each source allow (Chung et al. 2023, "UniMax", algorithm 1): the stage's budget is shared out
/// evenly, the smallest source first; what it cannot take in so many passes is left to the larger ones.
template <template <class> class Sources>
struct unimax_mixture {
    Sources<each<tokens>> sizes;
    required<double>          epochs;

    constexpr auto weights(progress at) const {
        auto const   size = as_array(sizes);
        auto         w    = size;
        double const all  = static_cast<double>(at.budget.count);
        double       left = all;
        for (double& x : w) x = -1;
        for (std::size_t n = size.size(); n > 0; --n) {
            std::size_t least = size.size();
            for (std::size_t i = 0; i < size.size(); ++i)
                if (w[i] < 0 && (least == size.size() || size[i] < size[least])) least = i;
            double const even = left / static_cast<double>(n), most = size[least] * epochs;
            w[least] = even < most ? even : most;
            left -= w[least];
        }
        if (all > 0)
            for (double& x : w) x /= all;
        return w;
    }
    constexpr mixture_flaw flaw(progress end) const {
        if (!(epochs > 0)) return mixture_flaw::not_above_zero;
        return sum_of(as_array(sizes)) * epochs < static_cast<double>(end.budget.count) ? mixture_flaw::caps_too_low : mixture_flaw::none;
    }
    /// Tokens of each source that the run may draw: what the rules hold against all stages.
    constexpr auto allowed() const {
        auto most = as_array(sizes);
        for (double& x : most) x *= epochs;
        return most;
    }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::tempered_mixture;
using mixture::unimax_mixture;
}  // namespace midtrain::inline MT_ABI
