#pragma once
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#include <midtrain/core/blank.hpp>
#include <midtrain/core/enum_names.hpp>
#include <midtrain/core/fields.hpp>
#include <midtrain/core/short_name.hpp>
#include <midtrain/core/start_rate.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/mixture/named_sources.hpp>
#include <midtrain/train/read_fields.hpp>
#include <midtrain/train/settings.hpp>

namespace midtrain::inline MT_ABI {

/// A value of any aggregate as a tree of named values: what read_fields reads back.
template <class T>
io::json written_fields(T const& x) {
    using bare = typename unwrapped<T>::type;
    if constexpr (!std::is_same_v<bare, T>) return written_fields(x.value);
    else if constexpr (detail::is_vector<T>) {
        io::json::array all;
        for (auto const& one : x) all.push_back(written_fields(one));
        return {std::move(all)};
    } else if constexpr (detail::is_named<T>) {
        io::json::object o;
        x.for_each_part([&](std::string_view name, auto const& one) { o.emplace(std::string(name), written_fields(one)); });
        return {std::move(o)};
    } else if constexpr (detail::Choice<T>) {
        if constexpr (requires { x.plain(); })
            if (auto const* const number = x.plain()) return {*number};
        auto tree = x.visit([](auto const& one) { return written_fields(one); });
        std::get<io::json::object>(tree.value)["kind"] = io::json{std::string(x.kind())};
        return tree;
    } else if constexpr (std::is_same_v<T, std::string>) return {x};
    else if constexpr (std::is_same_v<T, short_name>) return {x.text()};
    else if constexpr (std::is_enum_v<T>) return {std::string(enum_name(x))};
    else if constexpr (std::is_same_v<T, tokens>) return {static_cast<double>(x.count)};
    else if constexpr (std::is_same_v<T, start_rate>) {
        if (x.inherited()) return {std::string("inherit")};
        return {static_cast<double>(x)};
    } else if constexpr (std::is_same_v<T, bool>) return {x};
    else if constexpr (detail::Number<T>) return {static_cast<double>(x)};
    else {
        io::json::object o;
        for_each_field(x, [&](std::string_view name, auto const& field) { o.emplace(std::string(name), written_fields(field)); });
        return {std::move(o)};
    }
}

}  // namespace midtrain::inline MT_ABI
