#pragma once
#include <cstdint>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::averaging {

/// The mean over the last `fraction` of the run, each step by its tokens (Polyak and Juditsky 1992). The tail begins at a whole number of
/// the last batches.
struct polyak_tail {
    required<double> fraction;

    constexpr double share(progress at) const {
        std::int64_t const tail  = static_cast<std::int64_t>(static_cast<double>(at.budget.count) * fraction + 0.5);
        std::int64_t const batch = at.batch.count > 0 ? at.batch.count : 1;
        std::int64_t const begin = (at.budget.count - tail) / batch * batch, inside = at.seen.count - begin;
        return inside <= 0 ? 0.0 : inside <= batch ? 1.0 : static_cast<double>(batch) / static_cast<double>(inside);
    }
};

/// The mean of the weights after each `every`-th step, from step `first` on: a uniform soup, or stochastic weight averaging
/// (Izmailov et al. 2018).
struct uniform_soup {
    required<std::int64_t> first;
    std::int64_t           every = 1;

    constexpr double share(progress at) const {
        std::int64_t const past = at.step - first;
        return past < 0 || past % every != 0 ? 0.0 : 1.0 / static_cast<double>(past / every + 1);
    }
};

}  // namespace midtrain::inline MT_ABI::averaging

namespace midtrain::inline MT_ABI {
using averaging::polyak_tail;
using averaging::uniform_soup;
}  // namespace midtrain::inline MT_ABI
