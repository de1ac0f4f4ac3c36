#pragma once
#include <utility>
#include <midtrain/train/rules.hpp>
#include <midtrain/train/settings.hpp>
#include <midtrain/train/stage.hpp>

namespace midtrain::inline MT_ABI {

/// A recipe that has passed the rules, at compile time or with settings at run time: the only kind that a trainer takes.
template <class Recipe, class Shape>
class checked_recipe {
  public:
    constexpr Recipe const& operator*() const { return recipe_; }
    constexpr Recipe const* operator->() const { return &recipe_; }
    constexpr Shape const&  shape() const { return shape_; }

    /// The same form with other numbers, judged by the same rules; throws midtrain::error.
    checked_recipe with(settings const& s) const {
        Recipe r = changed(recipe_, s);
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
    auto r = make();
    judge_recipe(r, shape, compiler_judge{});
    return checked_recipe<decltype(r), S>(r, shape);
}

/// The same at run time, for numbers that no compiler has seen; throws midtrain::error.
template <class R, class S>
checked_recipe<R, S> judged(R recipe, S shape) {
    judge_recipe(recipe, shape, run_judge{});
    return {std::move(recipe), std::move(shape)};
}

}  // namespace midtrain::inline MT_ABI
