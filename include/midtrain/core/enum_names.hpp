#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <midtrain/config.hpp>

// The names of an enumeration's values, read off the compiler's own spelling. Values count from 0 without gaps, at most 16.
namespace midtrain::inline MT_ABI {

namespace detail {

/// "zero" for warmup_from::zero; empty for a number that has no name.
template <auto Value>
constexpr std::string_view enumerator() {
    std::string_view text = __PRETTY_FUNCTION__;
    text.remove_prefix(text.find("Value = ") + 8);
    text = text.substr(0, text.find_first_of(";]"));
    if (text.find(')') != std::string_view::npos) return {};  // "(warmup_from)7"
    auto const colon = text.rfind(':');
    return colon == std::string_view::npos ? text : text.substr(colon + 1);
}
template <class E, std::size_t... I>
constexpr auto enumerators(std::index_sequence<I...>) {
    return std::array<std::string_view, sizeof...(I)>{enumerator<static_cast<E>(I)>()...};
}
template <class E>
inline constexpr auto all_enumerators = enumerators<E>(std::make_index_sequence<16>{});

}  // namespace detail

template <class E>
    requires std::is_enum_v<E>
constexpr std::string_view enum_name(E value) {
    auto const i = static_cast<std::size_t>(value);
    return i < 16 ? detail::all_enumerators<E>[i] : std::string_view{};
}

template <class E>
    requires std::is_enum_v<E>
constexpr std::optional<E> enum_value(std::string_view name) {
    for (std::size_t i = 0; i < 16 && !name.empty(); ++i)
        if (detail::all_enumerators<E>[i] == name) return static_cast<E>(i);
    return {};
}

/// "zero, one_batch": for messages.
template <class E, class Text>
Text listed_enum(Text all) {
    for (auto const name : detail::all_enumerators<E>)
        if (!name.empty()) all.append(all.empty() ? "" : ", ").append(name);
    return all;
}

}  // namespace midtrain::inline MT_ABI
