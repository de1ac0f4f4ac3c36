#pragma once
#include <cstddef>
#include <type_traits>
#include <utility>
#include <midtrain/core/fields.hpp>
#include <midtrain/core/required.hpp>

namespace midtrain::inline MT_ABI {

template <class T>
struct unwrapped {
    using type                      = T;
    static constexpr bool is_required = false;
};
template <class T>
struct unwrapped<required<T>> {
    using type                      = T;
    static constexpr bool is_required = true;
};

/// An aggregate to be filled from a file: what is required is zero for now, all else as it is by default. Required fields stand before
/// the others. What must be filled is for the reader to check.
template <class T>
constexpr T blank();

namespace detail {

struct blank_field {
    template <class T>
    constexpr operator T() const {
        return blank<T>();
    }
};

template <class T, std::size_t... I>
constexpr bool begins_with(std::index_sequence<I...>) {
    return requires { T{(static_cast<void>(I), blank_field{})...}; };
}
template <class T, std::size_t N = 0>
constexpr std::size_t fields_to_fill() {
    if constexpr (begins_with<T>(std::make_index_sequence<N>{})) return N;
    else return fields_to_fill<T, N + 1>();
}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"  // what is left out has its default, and that is the point
template <class T, std::size_t... I>
constexpr T filled(std::index_sequence<I...>) {
    return T{(static_cast<void>(I), blank_field{})...};
}
#pragma GCC diagnostic pop

}  // namespace detail

template <class T>
constexpr T blank() {
    using bare = typename unwrapped<T>::type;
    if constexpr (!std::is_same_v<T, bare>) return T(blank<bare>());
    else if constexpr (std::is_aggregate_v<T>) return detail::filled<T>(std::make_index_sequence<detail::fields_to_fill<T>()>{});
    else return T{};
}

}  // namespace midtrain::inline MT_ABI
