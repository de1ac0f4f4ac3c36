#pragma once
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>
#include <midtrain/core/blank.hpp>
#include <midtrain/core/choice.hpp>
#include <midtrain/core/each.hpp>
#include <midtrain/core/enum_names.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/fields.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/short_list.hpp>
#include <midtrain/core/short_name.hpp>
#include <midtrain/core/start_rate.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/mixture/named_sources.hpp>
#include <midtrain/train/settings.hpp>

// A value of any aggregate from a tree of named values, as a run file holds one. The names of the fields are those of the keys, so a
// policy that is written for the compiler can be written in a file, too. A key that nobody knows, and one that is missing, are errors.
namespace midtrain::inline MT_ABI {

namespace detail {

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T, std::size_t N>
inline constexpr bool is_vector<short_list<T, N>> = true;
template <class T>
inline constexpr bool is_named = false;
template <class T>
inline constexpr bool is_named<named_sources<T>> = true;

template <class T>
inline constexpr bool is_each = false;
template <class T>
inline constexpr bool is_each<each<T>> = true;
/// Whether a file must have the field.
template <class T>
inline constexpr bool is_given = unwrapped<T>::is_required;
template <class T>
inline constexpr bool is_given<named_sources<T>> = unwrapped<T>::is_required;

/// What one reading knows beside the tree.
struct fields_reader {
    std::string              file;     ///< for messages
    std::vector<std::string> sources;  ///< in the order in which mixtures weigh them

    [[noreturn]] void fail(std::string const& path, std::string const& what) const {
        throw error(file + ": " + (path.empty() ? "" : path + " ") + what);
    }

    template <class T>
    void read(io::json const& v, std::string const& path, T& to) const {
        using bare = typename unwrapped<T>::type;
        if constexpr (!std::is_same_v<bare, T>) read(v, path, to.value);
        else if constexpr (is_vector<T>) elements(v, path, to);
        else if constexpr (is_named<T>) shares(v, path, to);
        else if constexpr (Choice<T>) chosen(v, path, to);
        else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, short_name>) {
            auto const s = v.as<std::string>();
            if (!s) fail(path, "is no text");
            to = T(*s);
        } else if constexpr (OneValue<T>) scalar(v, path, to);
        else fields(v, path, to);
    }

  private:
    static std::string inside(std::string const& path, std::string_view name) {
        return path + (path.empty() ? "" : ".") + std::string(name);
    }

    template <class T>
    void scalar(io::json const& v, std::string const& path, T& to) const {
        bool good = false;
        if (auto const s = v.as<std::string>()) good = !std::is_same_v<T, bool> && read_value(*s, to);
        else if constexpr (std::is_same_v<T, bool>) {
            if (auto const b = v.as<bool>()) to = *b, good = true;
        } else if constexpr (!std::is_enum_v<T>) {
            if (auto const d = v.as<double>()) good = number(*d, to);
        }
        if (good) return;
        std::string what = "is " + io::written(v) + "; it wants ";
        if constexpr (std::is_enum_v<T>) what += "one of " + listed_enum<T>(std::string());
        else if constexpr (std::is_same_v<T, tokens>) what += "a number of tokens, such as 2000000 or \"2M\"";
        else if constexpr (std::is_same_v<T, start_rate>) what += "a number or \"inherit\"";
        else what += std::is_same_v<T, bool> ? "true or false" : std::is_floating_point_v<T> ? "a number" : "a whole number";
        fail(path, what);
    }
    static bool number(double d, tokens& to) {
        to = {static_cast<std::int64_t>(d)};
        return d >= 0 && d <= 9e15 && d == std::floor(d);
    }
    static bool number(double d, start_rate& to) { return to = d, true; }
    template <Number T>
    static bool number(double d, T& to) {
        if constexpr (std::is_floating_point_v<T>) return to = static_cast<T>(d), true;
        else {
            // 2^53 is what a double holds exactly.
            double const most = std::min(static_cast<double>(std::numeric_limits<T>::max()), 9007199254740992.0);
            double const least = std::is_signed_v<T> ? -most : 0.0;
            if (!(d >= least && d <= most && d == std::floor(d))) return false;
            to = static_cast<T>(d);
            return true;
        }
    }

    template <class T>
    void fields(io::json const& v, std::string const& path, T& to) const {
        auto const o = v.as<io::json::object>();
        if (!o) fail(path, "is no table");
        for (auto const& [key, value] : *o) {
            bool known = false;
            for (auto const name : field_names<T>) known |= name == key;
            if (!known) fail(inside(path, key), "is not known; there is " + listed<T>());
        }
        for_each_field(to, [&](std::string_view name, auto& field) {
            using field_type = std::remove_cvref_t<decltype(field)>;
            if (auto const at = v.find(name)) read(*at, inside(path, name), field);
            else if constexpr (is_given<field_type>) fail(inside(path, name), "is missing");
        });
    }
    template <class T>
    static std::string listed() {
        std::string all;
        for (auto const name : field_names<T>) all.append(all.empty() ? "" : ", ").append(name);
        return all;
    }

    template <class T>
    void chosen(io::json const& v, std::string const& path, T& to) const {
        if constexpr (requires { T::of_number(1.0); })
            if (auto const number = v.as<double>()) return static_cast<void>(to = T::of_number(*number));
        // A kind whose fields may all stay as they are can stand as a text.
        if (auto const text = v.as<std::string>()) return chosen(io::json{io::json::object{{"kind", v}}}, path, to);
        auto const o = v.as<io::json::object>();
        if (!o) fail(path, "is no table");
        auto kind = v.find("kind");
        if constexpr (requires { T::usual; })
            if (!kind) return chosen(with_kind(*o, T::usual), path, to);
        if (!kind || !kind->as<std::string>()) fail(inside(path, "kind"), "is missing; it is one of " + T::listed());
        if (!to.choose(*kind->as<std::string>()))
            fail(inside(path, "kind"), "is '" + *kind->as<std::string>() + "'; it is one of " + T::listed());
        auto rest = *o;
        rest.erase("kind");
        to.visit([&](auto& one) { read(io::json{rest}, path, one); });
    }

    static io::json with_kind(io::json::object o, std::string_view kind) {
        o["kind"] = io::json{std::string(kind)};
        return {std::move(o)};
    }

    template <class List>
    void elements(io::json const& v, std::string const& path, List& to) const {
        auto const a = v.as<io::json::array>();
        if (!a) fail(path, "is no list");
        if constexpr (requires { List::capacity; })
            if (a->size() > List::capacity)
                fail(path, "has " + std::to_string(a->size()) + " elements; there is room for " + std::to_string(List::capacity));
        to.clear();
        for (std::size_t i = 0; i < a->size(); ++i) {
            auto one = blank<typename List::value_type>();
            read((*a)[i], path + "[" + std::to_string(i) + "]", one);
            to.push_back(one);
        }
    }
    template <class T>
    void shares(io::json const& v, std::string const& path, named_sources<T>& to) const {
        auto const o = v.as<io::json::object>();
        if (!o) fail(path, "is no table of sources and their values");
        for (auto const& [name, value] : *o) {
            bool known = false;
            for (auto const& s : sources) known |= s == name;
            if (!known) fail(inside(path, name), "is a source that the file does not name");
        }
        to = {};
        for (auto const& s : sources) {
            auto value = blank<T>();
            if (auto const at = v.find(s)) read(*at, inside(path, s), value);
            else if constexpr (is_each<T>) fail(inside(path, s), "is missing");
            to.add(s, value);
        }
    }
};

}  // namespace detail

/// `to` from the tree; keys that are absent leave it as it is. `file` names the tree in messages, `sources` what mixtures weigh, in order:
/// one that a mixture leaves out has a share of zero.
template <class T>
void read_fields(io::json const& tree, std::string const& file, T& to, std::vector<std::string> sources = {}) {
    detail::fields_reader{file, std::move(sources)}.read(tree, "", to);
}

}  // namespace midtrain::inline MT_ABI
