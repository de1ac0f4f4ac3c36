#pragma once
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI::detail {

template <class Observer>
concept NamesRest = requires { &std::remove_cvref_t<Observer>::wants_rest; };

/// Whether an observer says that it looks at the model after a step: then the device shall be at rest there. One that does not say so writes
/// down what it hears.
template <class Observer>
bool wants_rest(Observer const& o, std::int64_t step) {
    constexpr bool says = requires { { o.wants_rest(step) } -> std::same_as<bool>; };
    static_assert(says || !NamesRest<Observer>,
                  "midtrain: an observer has a member wants_rest, but not  bool wants_rest(std::int64_t step) const.  See docs/concepts.md#observer");
    if constexpr (says) return o.wants_rest(step);
    else return false;
}

}  // namespace midtrain::inline MT_ABI::detail
