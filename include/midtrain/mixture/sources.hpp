#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>
#include <midtrain/core/fields.hpp>
#include <midtrain/mixture/named_sources.hpp>

// Named sources: a user's `template <class T> struct sources { T web, code, maths; };`. A weight is a type without a default, so a
// source left out of the braces does not compile. named_sources is the form whose names come from a file.
namespace midtrain::inline MT_ABI {

/// How many sources the template names.
template <template <class> class Sources>
inline constexpr std::size_t source_count = field_count<Sources<double>>;

/// What they are called.
template <template <class> class Sources>
std::array<std::string, source_count<Sources>> source_names() {
    std::array<std::string, source_count<Sources>> out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = field_names<Sources<double>>[i];
    return out;
}

/// f(name, value) for each source, in order.
template <template <class> class Sources, class T, class F>
constexpr void for_each_source(Sources<T> const& s, F&& f) {
    for_each_field(s, f);
}
template <class T, class F>
constexpr void for_each_source(named_sources<T> const& s, F&& f) {
    s.for_each_part(f);
}

/// What the sources of a corpus are called.
template <class Sources>
std::vector<std::string> names_of_sources(Sources const& s) {
    std::vector<std::string> out;
    for_each_source(s, [&](std::string_view name, auto const&) { out.emplace_back(name); });
    return out;
}

namespace detail {

template <class T>
constexpr double as_number(T const& x) {
    if constexpr (requires { x.value; }) return as_number(x.value);
    else if constexpr (requires { x.count; }) return static_cast<double>(x.count);
    else return static_cast<double>(x);
}

}  // namespace detail

/// The values of all sources side by side; tokens as their number.
template <template <class> class Sources, class T>
constexpr auto as_array(Sources<T> const& s) {
    // Without the names, which a compiler that judges a recipe would spell thousands of times.
    return std::apply([](auto const*... x) { return std::array<double, sizeof...(x)>{detail::as_number(*x)...}; },
                      detail::field_pointers(s));
}
template <class T>
constexpr source_weights as_array(named_sources<T> const& s) {
    source_weights out;
    s.for_each_part([&](std::string_view, T const& x) { out.add(detail::as_number(x)); });
    return out;
}

}  // namespace midtrain::inline MT_ABI
