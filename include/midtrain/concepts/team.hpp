#pragma once
#include <concepts>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

struct any_act {
    MT_HOST_DEVICE void operator()(index_t) const {}
};
struct any_value {
    MT_HOST_DEVICE float operator()(index_t) const { return 0; }
};

}  // namespace detail

/// Those who do one row together. `each(n, f)` calls f(i) once for each i below n; `reduce(n, monoid, f)` combines all f(i) in an order
/// that never changes; `leads()` is true for one of them. Both are collective: every lane calls them, in the same order, outside branches
/// that depend on the lane. Law: every lane gets the same answer, and all have met on return. One that has `static constexpr bool
/// takes_packs = true` is handed packs of neighbours instead of single values by the loops of core/each_value.hpp. The shortest one is
/// midtrain/exec/host/solo_team.hpp.
template <class T>
concept Team = requires(T const team, index_t n) {
    { team.leads() } -> std::same_as<bool>;
    team.each(n, detail::any_act{});
    { team.reduce(n, sum{}, detail::any_value{}) } -> std::same_as<float>;
};

}  // namespace midtrain::inline MT_ABI
