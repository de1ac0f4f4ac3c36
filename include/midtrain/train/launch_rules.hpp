#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/data/source_reader.hpp>
#include <midtrain/mixture/sources.hpp>
#include <midtrain/train/batches.hpp>
#include <midtrain/train/check_sizes.hpp>
#include <midtrain/train/divide_over_ranks.hpp>
#include <midtrain/train/recipe.hpp>
#include <midtrain/train/rules.hpp>
#include <midtrain/train/run_state.hpp>

namespace midtrain::inline MT_ABI {

/// The second book of rules: what only files, ranks and the checkpoint of a fork tell of a recipe. Judged before a run's first step, with
/// the state's sources already those of the corpus. Throws midtrain::error with the sentence of the rule that is broken.
template <class Recipe, class Shape, template <class> class Sources, class Store>
void judge_launch(checked_recipe<Recipe, Shape> const& recipe, Sources<Store> const& corpus, run_state const& state, int ranks) {
    std::vector<std::int64_t> sizes;
    for_each_source(corpus, [&](std::string_view name, Store const& s) {
        check(s.documents() > 0, [&] { return "source '" + std::string(name) + "' has no documents"; });
        if constexpr (requires { s.vocabulary(); })
            check(s.vocabulary() <= recipe.shape().vocab, [&] {
                return "source '" + std::string(name) + "' was made with a vocabulary of " + std::to_string(s.vocabulary()) +
                       " tokens where the model has " + std::to_string(recipe.shape().vocab);
            });
        if constexpr (requires { s.verify(); }) s.verify();
        if constexpr (requires { s.tokens(); }) sizes.push_back(s.tokens());
        else sizes.push_back(-1);
    });
    divide_over_ranks(*recipe, ranks);
    check(state.parent.rate > 0 || !recipe.inherits(), [&] {
        return state.parent.path.empty() ? std::string("a rate says `inherit`, and this run forks from none: give the rate, or name the "
                                                       "checkpoint from which the run forks (fork_from)")
                                         : "a rate says `inherit`, and " + state.parent.path + " had none or does not say it: give the rate";
    });
    detail::judge_caps(*recipe, run_judge{});  // at more moments than a compiler has time for
    for_each_stage(recipe->stages, [&](auto const& s, int) {
        check_sizes(s.mixture, std::string(s.name), state.sources, sizes);
        for_each_source(corpus, [&](std::string_view name, Store const& of) {
            data::check_buckets(of, std::string(name), s.order, 256, [&](std::int64_t k) { return s.at(s.steps() * k / 256); });
        });
    });
}

}  // namespace midtrain::inline MT_ABI
