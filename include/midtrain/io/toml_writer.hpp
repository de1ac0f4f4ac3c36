#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>

namespace midtrain::inline MT_ABI::io {

namespace detail {

inline std::string toml_key(std::string_view key) {
    static constexpr std::string_view bare = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return key.empty() || key.find_first_not_of(bare) != key.npos ? quoted(key) : std::string(key);
}

/// A value on one line; TOML has no null, which is left out.
inline std::string toml_value(json const& v) {
    std::string s;
    if (auto const o = v.as<json::object>()) {
        for (auto const& [key, one] : *o)
            if (!one.as<std::nullptr_t>()) s += (s.empty() ? " " : ", ") + toml_key(key) + " = " + toml_value(one);
        return "{" + s + (s.empty() ? "}" : " }");
    }
    if (auto const a = v.as<json::array>()) {
        for (auto const& one : *a) s += (s.empty() ? "" : ", ") + toml_value(one);
        return "[" + s + "]";
    }
    return written(v);
}

inline std::string toml_lines(json::object const& o) {
    std::string s;
    for (auto const& [key, one] : o)
        if (!one.as<std::nullptr_t>()) s += toml_key(key) + " = " + toml_value(one) + "\n";
    return s;
}

inline bool are_tables(json const& v) {
    auto const a = v.as<json::array>();
    if (!a || a->empty()) return false;
    for (auto const& one : *a)
        if (!one.as<json::object>()) return false;
    return true;
}

}  // namespace detail

/// A tree as TOML: its values, then a [table] for each table and a [[table]] for each in a list of tables; what lies deeper stands on one
/// line. Numbers have to be finite.
inline std::string written_toml(json const& tree) {
    json::object values;
    std::string  tables;
    auto const   o = tree.as<json::object>();
    for (auto const& [key, one] : o ? *o : json::object{}) {
        if (auto const t = one.as<json::object>()) tables += "\n[" + detail::toml_key(key) + "]\n" + detail::toml_lines(*t);
        else if (detail::are_tables(one))
            for (auto const& t : *one.as<json::array>()) tables += "\n[[" + detail::toml_key(key) +
                "]]\n" + detail::toml_lines(*t.as<json::object>());
        else values.emplace(key, one);
    }
    return detail::toml_lines(values) + tables;
}

}  // namespace midtrain::inline MT_ABI::io
