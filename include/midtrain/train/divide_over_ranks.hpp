#pragma once
#include <string>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/train/rules.hpp>
#include <midtrain/train/stage.hpp>

namespace midtrain::inline MT_ABI {

/// Refuses a recipe in which some step's sequences do not divide over so many ranks in whole micro-batches.
template <class Recipe>
void divide_over_ranks(Recipe const& r, int ranks) {
    for_each_stage(r.stages, [&](auto const& s, int) {
        index_t const unit = ranks * s.batch.micro;
        detail::at_sizes(s, [&](index_t n) {
            check(n % unit == 0, [&] {
                return "stage '" + std::string(s.name) + "': a step of " + std::to_string(n) + " sequences does not divide over " +
                       std::to_string(ranks) + " ranks in micro-batches of " + std::to_string(s.batch.micro) + "; use " +
                       (n > unit ? std::to_string(n / unit * unit) + " or " : "") + std::to_string((n / unit + 1) * unit);
            });
        });
    });
}

}  // namespace midtrain::inline MT_ABI
