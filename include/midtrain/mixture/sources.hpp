#pragma once
#include <array>
#include <cstddef>
#include <utility>
#include <midtrain/core/types.hpp>

// Named sources: a user's `template <class T> struct sources { T web, code, maths; };`. A weight is a type without a default, so a
// source left out of the braces does not compile.
namespace midtrain::inline MT_ABI {

namespace detail {

struct any_field {
    template <class T>
    constexpr operator T() const;
};
template <class S, std::size_t... I>
consteval bool takes(std::index_sequence<I...>) {
    return requires { S{(static_cast<void>(I), any_field{})...}; };
}
template <class S, std::size_t N = 9>
consteval std::size_t fields() {
    if constexpr (N == 0 || takes<S>(std::make_index_sequence<N>{})) return N;
    else return fields<S, N - 1>();
}

}  // namespace detail

/// How many sources the template names; at most 8.
template <template <class> class Sources>
inline constexpr std::size_t source_count = detail::fields<Sources<double>>();

/// f(field) for each source, in the order of declaration.
template <template <class> class Sources, class T, class F>
constexpr void for_each_source(Sources<T> const& s, F&& f) {
    constexpr std::size_t n = source_count<Sources>;
    static_assert(n >= 1 && n <= 8, "midtrain: a sources struct has one to eight fields of its parameter's type, and nothing else");
    auto const all = [&](auto&... field) { (f(field), ...); };
    if constexpr (n == 1) { auto& [a] = s; all(a); }
    else if constexpr (n == 2) { auto& [a, b] = s; all(a, b); }
    else if constexpr (n == 3) { auto& [a, b, c] = s; all(a, b, c); }
    else if constexpr (n == 4) { auto& [a, b, c, d] = s; all(a, b, c, d); }
    else if constexpr (n == 5) { auto& [a, b, c, d, e] = s; all(a, b, c, d, e); }
    else if constexpr (n == 6) { auto& [a, b, c, d, e, g] = s; all(a, b, c, d, e, g); }
    else if constexpr (n == 7) { auto& [a, b, c, d, e, g, h] = s; all(a, b, c, d, e, g, h); }
    else { auto& [a, b, c, d, e, g, h, i] = s; all(a, b, c, d, e, g, h, i); }
}

/// The values of all sources side by side.
template <template <class> class Sources, class T>
constexpr auto as_array(Sources<T> const& s) {
    std::array<double, source_count<Sources>> out{};
    std::size_t                               i = 0;
    for_each_source(s, [&](T const& x) { out[i++] = static_cast<double>(x); });
    return out;
}

}  // namespace midtrain::inline MT_ABI
