#pragma once
#include <concepts>
#include <type_traits>
#include <midtrain/train/report.hpp>

namespace midtrain::inline MT_ABI::detail {

template <class Observer>
concept NamesRest = requires { &std::remove_cvref_t<Observer>::wants_rest; };

/// Whether an observer says that it looks at the model after a step: then the device shall be at rest there. `to_come` has the step's place and
/// no numbers yet. One that does not say so writes down what it hears.
template <class Observer>
bool wants_rest(Observer const& o, report const& to_come) {
    constexpr bool says = requires { { o.wants_rest(to_come) } -> std::same_as<bool>; };
    static_assert(says || !NamesRest<Observer>,
                  "midtrain: an observer has a member wants_rest, but not  bool wants_rest(report const& to_come) const.  See docs/concepts.md#observer");
    if constexpr (says) return o.wants_rest(to_come);
    else return false;
}

}  // namespace midtrain::inline MT_ABI::detail
