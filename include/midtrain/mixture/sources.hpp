#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <midtrain/core/fields.hpp>

// Named sources: a user's `template <class T> struct sources { T web, code, maths; };`. A weight is a type without a default, so a
// source left out of the braces does not compile.
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

/// The values of all sources side by side.
template <template <class> class Sources, class T>
constexpr auto as_array(Sources<T> const& s) {
    std::array<double, source_count<Sources>> out{};
    std::size_t                               i = 0;
    for_each_field(s, [&](std::string_view, T const& x) { out[i++] = static_cast<double>(x); });
    return out;
}

}  // namespace midtrain::inline MT_ABI
