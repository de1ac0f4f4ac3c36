#pragma once
#include <charconv>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#include <midtrain/core/blank.hpp>
#include <midtrain/core/choice.hpp>
#include <midtrain/core/enum_names.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/fields.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/start_rate.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/train/stage.hpp>

namespace midtrain::inline MT_ABI {

/// What the command line says: `--set stage.field=value` any number of times, `--dry-run`, and the flags that the program adds, each of
/// which takes a value. Anything else is an error.
class settings {
  public:
    struct change {
        std::string key, value;
    };

    settings() = default;
    settings(int argc, char const* const* argv, std::initializer_list<std::string_view> own = {}) {
        for (int i = 1; i < argc; ++i) {
            std::string_view const flag = argv[i];
            if (flag == "--dry-run") {
                dry_run_ = true;
                continue;
            }
            bool known = flag == "--set";
            for (auto o : own) known |= flag == o;
            check(known, [&] { return "unknown argument '" + std::string(flag) + "'"; });
            check(i + 1 < argc, [&] { return std::string(flag) + " needs a value"; });
            std::string_view const value = argv[++i];
            if (flag == "--set") set(value);
            else own_.push_back({std::string(flag), std::string(value)});
        }
    }

    /// `stage.field=value`.
    void set(std::string_view assignment) {
        auto const at = assignment.find('=');
        check(at != std::string_view::npos && at > 0,
              [&] { return "--set " + std::string(assignment) + ": it should read stage.field=value"; });
        changes_.push_back({std::string(assignment.substr(0, at)), std::string(assignment.substr(at + 1))});
    }
    bool                       dry_run() const { return dry_run_; }
    std::vector<change> const& changes() const { return changes_; }
    /// The value of a flag of the program's own; the last one given, or `otherwise`.
    std::string value(std::string_view flag, std::string otherwise) const {
        for (auto const& c : own_)
            if (c.key == flag) otherwise = c.value;
        return otherwise;
    }

  private:
    std::vector<change> changes_, own_;
    bool                dry_run_ = false;
};

namespace detail {

template <class T>
concept Number = std::integral<T> || std::floating_point<T>;

inline bool read_value(std::string_view text, bool& to) {
    to = text == "true";
    return to || text == "false";
}
template <class E>
    requires std::is_enum_v<E>
bool read_value(std::string_view text, E& to) {
    auto const e = enum_value<E>(text);
    if (e) to = *e;
    return e.has_value();
}
template <class... Options>
bool read_value(std::string_view text, choice<Options...>& to) {
    return to.choose(text);
}
template <class T>
    requires Number<T>
bool read_value(std::string_view text, T& to) {
    auto const r = std::from_chars(text.data(), text.data() + text.size(), to);
    return r.ec == std::errc{} && r.ptr == text.data() + text.size();
}
/// 2000000, 2M, 2_Mtok, 1.5G: a number of tokens.
inline bool read_value(std::string_view text, tokens& to) {
    for (std::string_view const tail : {"tok", "_"})
        if (text.ends_with(tail)) text.remove_suffix(tail.size());
    double scale = 1;
    for (auto const& [letter, factor] : {std::pair{'k', 1e3}, {'M', 1e6}, {'G', 1e9}})
        if (text.ends_with(letter)) {
            scale = factor;
            text.remove_suffix(1);
            if (text.ends_with('_')) text.remove_suffix(1);
            break;
        }
    double n = 0;
    if (!read_value(text, n) || !(n >= 0) || n * scale > 9e15) return false;
    to = {static_cast<std::int64_t>(n * scale + 0.5)};
    return true;
}
inline bool read_value(std::string_view text, start_rate& to) {
    double given = 0;
    if (text == "inherit") to = inherit;
    else if (read_value(text, given)) to = given;
    else return false;
    return true;
}
inline std::string written_value(tokens t) { return std::to_string(t.count); }
inline std::string written_value(bool b) { return b ? "true" : "false"; }
template <class E>
    requires std::is_enum_v<E>
std::string written_value(E e) {
    return std::string(enum_name(e));
}
template <class... Options>
std::string written_value(choice<Options...> const& c) {
    return std::string(c.kind());
}
template <class T>
    requires Number<T>
std::string written_value(T x) {
    char       buffer[64];
    auto const r = std::to_chars(buffer, buffer + sizeof buffer, x);
    return {buffer, r.ptr};
}

inline std::string written_value(start_rate r) { return r.inherited() ? "inherit" : written_value(static_cast<double>(r)); }

/// What one setting holds.
template <class T>
concept OneValue = Number<T> || std::is_enum_v<T> || std::is_same_v<T, tokens> || std::is_same_v<T, start_rate>;

template <class T>
concept Choice = requires(T const& t) { t.kind(); };

}  // namespace detail

/// One setting of a recipe, whatever its type. What walks over settings is thereby one function for all recipes, and compiled once.
class setting {
  public:
    template <class T>
    explicit setting(T& value)
        : value_(&value), read_([](std::string_view text, void* to) { return detail::read_value(text, *static_cast<T*>(to)); }),
          written_([](void const* from) { return detail::written_value(*static_cast<T const*>(from)); }) {
        if constexpr (std::is_same_v<T, start_rate>) begins_ = &value;
    }

    std::string written() const { return written_(value_); }
    /// False if the text is no value for it.
    bool read(std::string_view text) { return read_(text, value_); }
    /// A rate at which the run may begin; null for any other setting.
    start_rate const* begins() const { return begins_; }
    start_rate*       begins() { return begins_; }

  private:
    void* value_;
    bool (*read_)(std::string_view, void*);
    std::string (*written_)(void const*);
    start_rate* begins_ = nullptr;
};

namespace detail {

/// Any f(key, setting&).
struct setting_visitor {
    void* f;
    void (*call)(void*, std::string const&, setting&);

    template <class F>
    static setting_visitor of(F& f) {
        return {&f, [](void* to, std::string const& key, setting& s) { (*static_cast<F*>(to))(key, s); }};
    }
    template <class T>
    void operator()(std::string const& key, T& value) const {
        setting s(value);
        call(f, key, s);
    }
};

inline std::string key_within(std::string const& path, std::string_view name) {
    std::string key = path;
    if (!key.empty()) key += '.';
    return key.append(name);
}

/// f for each number, choice and kind of an aggregate, however deep; texts are passed over. A type that lists its parts
/// itself has for_each_part(f).
template <class T>
void for_each_value(T& s, std::string const& path, setting_visitor const& f) {
    using bare      = typename unwrapped<T>::type;
    auto const part = [&](std::string_view name, auto& x) { for_each_value(x, key_within(path, name), f); };
    if constexpr (!std::is_same_v<bare, T>) for_each_value(s.value, path, f);
    else if constexpr (OneValue<T>) f(path, s);
    else if constexpr (Choice<T>) {
        if constexpr (requires { s.plain(); })
            if (auto* const number = s.plain()) return f(path, *number);
        f(path + ".kind", s);
        s.visit([&](auto& chosen) { for_each_value(chosen, path, f); });
    } else if constexpr (requires { s.for_each_part(part); }) s.for_each_part(part);
    else if constexpr (std::is_aggregate_v<T>) for_each_field(s, part);
}

template <class Recipe>
void for_each_setting(Recipe& r, setting_visitor const& f) {
    for_each_value(r.optimizer, "optimizer", f);
    for_each_value(r.clip, "clip", f);
    for_each_value(r.clip_block, "clip_block", f);
    for_each_value(r.z_loss, "z_loss", f);
    for_each_value(r.seed, "seed", f);
    if constexpr (requires { r.average.share(progress{}); }) for_each_value(r.average, "average", f);
    for_each_value(r.decay_factor, "decay_factor", f);
    for_each_value(r.rates, "rates", f);
    for_each_value(r.bias_speed, "bias_speed", f);
    for_each_value(r.balance_factor, "balance_factor", f);
    for_each_value(r.mtp_weight, "mtp_weight", f);
    for_each_stage(r.stages, [&](auto& s, int) { for_each_value(s, std::string(s.name), f); });
}

}  // namespace detail

/// f("stage.rate.peak", setting&) for each number and each choice of a recipe.
template <class Recipe, class F>
void for_each_setting(Recipe& r, F&& f) {
    detail::for_each_setting(r, detail::setting_visitor::of(f));
}
/// The same where they are only looked at: f("stage.rate.peak", setting const&).
template <class Recipe, class F>
void for_each_setting(Recipe const& r, F&& f) {
    auto look = [&](std::string const& key, setting const& s) { f(key, s); };
    // One walk serves both; `look` lets nobody write.
    detail::for_each_setting(const_cast<Recipe&>(r), detail::setting_visitor::of(look));
}

/// Every setting as a line `key=value`: what a checkpoint keeps of its recipe.
template <class Recipe>
std::string written_settings(Recipe const& r) {
    std::string all;
    for_each_setting(r, [&](std::string const& key, setting const& s) { all += key + "=" + s.written() + "\n"; });
    return all;
}

/// The recipe with the changes made; an error names the key, and for an unknown one what there is under the nearest name.
template <class Recipe>
Recipe changed(Recipe r, settings const& s) {
    for (auto const& c : s.changes()) {
        bool        found = false;
        std::string near;
        auto const  stem = c.key.substr(0, c.key.find_last_of('.') + 1);
        for_each_setting(r, [&](std::string const& key, setting& x) {
            if (key == c.key) {
                found = true;
                check(x.read(c.value), [&] {
                    return "--set " + c.key + "=" + c.value + ": '" + c.value + "' is no value for it; it is now " + x.written();
                });
            } else if (key.starts_with(stem)) near += (near.empty() ? "" : ", ") + key;
        });
        check(found, [&] { return "--set " + c.key + ": the recipe has no such setting" + (near.empty() ? "" : "; it has " + near); });
    }
    return r;
}

}  // namespace midtrain::inline MT_ABI
