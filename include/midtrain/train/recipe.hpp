#pragma once
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <midtrain/core/start_rate.hpp>
#include <midtrain/mixture/staged.hpp>
#include <midtrain/train/rules.hpp>
#include <midtrain/train/settings.hpp>
#include <midtrain/train/stage.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

/// Mixtures that switch by their stage's rate are told it.
template <class Recipe>
constexpr Recipe followed(Recipe r) {
    for_each_stage(r.stages, [](auto& s, int) {
        mixture::follow_rate(s.mixture, s.rate, s.steps(), [&](std::int64_t step) { return s.at(step); });
    });
    return r;
}

}  // namespace detail

/// A recipe that has passed the rules, at compile time or with settings at run time: the only kind that a trainer takes.
template <class Recipe, class Shape>
class checked_recipe {
  public:
    constexpr Recipe const& operator*() const { return recipe_; }
    constexpr Recipe const* operator->() const { return &recipe_; }
    constexpr Shape const&  shape() const { return shape_; }

    /// The same form with other numbers, judged by the same rules; throws midtrain::error.
    checked_recipe with(settings const& s) const {
        Recipe r = detail::followed(changed(recipe_, s));
        judge_recipe(r, shape_, run_judge{});
        return {std::move(r), shape_};
    }

    /// Whether a policy begins at the rate of the checkpoint from which the run forks.
    bool inherits() const {
        bool any = false;
        for_each_setting(recipe_, [&](std::string const&, setting const& s) { any |= s.begins() && s.begins()->inherited(); });
        return any;
    }
    /// The same recipe where that rate is known.
    checked_recipe inheriting(double rate) const {
        Recipe r = recipe_;
        for_each_setting(r, [&](std::string const&, setting& s) {
            if (s.begins()) s.begins()->fill(rate);
        });
        r = detail::followed(std::move(r));
        judge_recipe(r, shape_, run_judge{});
        return {std::move(r), shape_};
    }

    /// At compile time through `checked`; at run time through `judged`.
    template <class F, class S>
    friend consteval auto checked(F make, S shape);
    template <class R, class S>
    friend checked_recipe<R, S> judged(R recipe, S shape);

  private:
    constexpr checked_recipe(Recipe r, Shape s) : recipe_(std::move(r)), shape_(std::move(s)) {}

    Recipe recipe_;
    Shape  shape_;
};

/// The recipe that make() returns, for a model of that shape. One that cannot work does not compile: the compiler names
/// `this_recipe_is_refused` with the reason.
template <class F, class S>
consteval auto checked(F make, S shape) {
    auto r = detail::followed(make());
    judge_recipe(r, shape, compiler_judge{});
    return checked_recipe<decltype(r), S>(r, shape);
}

/// The same at run time, for numbers that no compiler has seen; throws midtrain::error.
template <class R, class S>
checked_recipe<R, S> judged(R recipe, S shape) {
    recipe = detail::followed(std::move(recipe));
    judge_recipe(recipe, shape, run_judge{});
    return {std::move(recipe), std::move(shape)};
}

}  // namespace midtrain::inline MT_ABI
