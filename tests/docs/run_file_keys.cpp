// Every key that a run file may have, with its default: a line "table|key|default|names of an enumeration". docs/run_file.md must say the
// same; run_file.py compares.
#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>
#include <midtrain/annealing/like/any_trainer.hpp>
#include <midtrain/core/blank.hpp>
#include <midtrain/core/enum_names.hpp>
#include <midtrain/core/fields.hpp>
#include <midtrain/core/short_list.hpp>
#include <midtrain/core/short_name.hpp>
#include <midtrain/core/start_rate.hpp>
#include <midtrain/train/settings.hpp>
#include "../../examples/midtrain/run_file.hpp"

namespace mt = midtrain;

namespace {

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T, std::size_t N>
inline constexpr bool is_vector<mt::short_list<T, N>> = true;
template <class T>
inline constexpr bool is_shares = false;
template <class T>
inline constexpr bool is_shares<mt::named_sources<T>> = true;
template <class T>
constexpr bool is_required(mt::named_sources<T> const&) {
    return mt::unwrapped<T>::is_required;
}

template <class T>
constexpr bool is_text = std::is_same_v<T, std::string> || std::is_same_v<T, mt::short_name>;
template <class T>
constexpr bool is_leaf = is_text<T> || std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, mt::tokens> ||
                         std::is_same_v<T, mt::start_rate>;

/// Policies have one description wherever they may stand.
template <class T>
std::string policies() {
    if constexpr (std::is_same_v<T, mt::any_optimizer>) return "optimizer";
    else if constexpr (std::is_same_v<T, mt::like::any_trainer>) return "like";
    else if constexpr (requires(T const& p) { p.factor(mt::like::hf_place{}); }) return "hf_scheduler";
    else if constexpr (requires(T const& p) { p.lr(mt::like::olmo_place{}); }) return "olmo_scheduler";
    else if constexpr (requires(T const& p) { p.rate(mt::progress{}); }) return "rate";
    else if constexpr (requires(T const& p) { p.weights(mt::progress{}); }) return "mixture";
    else if constexpr (requires(T const& p) { p.share(mt::progress{}); }) return "average";
    else if constexpr (requires(T const& p) { p.share(0, mt::progress{}); }) return "order";
    else if constexpr (requires(T const& p) { p.changes(mt::index_t{}); }) return "ramp";
    else if constexpr (requires(T const& p) { p.between(1.0, 0.0, 0.5); }) return "shape";
    else return "position";
}

class lister {
  public:
    template <class T>
    void table(std::string const& name, T const& value) {
        if (!seen_.insert(name).second) return;
        mt::for_each_field(value, [&](std::string_view key, auto const& field) {
            using type = std::remove_cvref_t<decltype(field)>;
            if constexpr (mt::unwrapped<type>::is_required) one(name, key, field.value, true);
            else one(name, key, field, false);
        });
    }

  private:
    template <class T>
    void one(std::string const& where, std::string_view key, T const& value, bool required) {
        if constexpr (is_leaf<T>) {
            std::string names;
            if constexpr (std::is_enum_v<T>) names = mt::listed_enum<T>(std::string());
            row(where, key, required ? "required" : written(value), names);
        } else if constexpr (is_vector<T>) list(where, key, value);
        else if constexpr (is_shares<T>) row(where, key, is_required(value) ? "required" : "none");
        else if constexpr (mt::detail::Choice<T>) choice(where, key, value);
        else if constexpr (mt::field_count<T> > 0) {
            row(where, key, "table");
            table(inside(where, key), value);
        }
    }
    template <class List, class T = typename List::value_type>
    void list(std::string const& where, std::string_view key, List const& value) {
        std::string all, names;
        if constexpr (is_leaf<T>)
            for (auto const& v : value) all += (all.empty() ? "" : ", ") + written(v);
        if constexpr (std::is_enum_v<T>) names = mt::listed_enum<T>(std::string());
        row(where, key, is_leaf<T> ? "[" + all + "]" : "list", names);
        if constexpr (mt::detail::Choice<T>) options<T>();
        else if constexpr (!is_leaf<T>) table(inside(where, key), mt::blank<T>());
    }
    template <class T>
    void choice(std::string const& where, std::string_view key, T const& value) {
        std::string is = "table";
        if constexpr (requires { value.plain(); })
            if (auto const* const number = value.plain()) is = written(*number);
        row(where, key, is);
        options<T>();
    }
    template <class T>
    void options() {
        for (auto const kind : T::names) {
            T one;
            one.choose(kind);
            one.visit([&](auto const& policy) { table(policies<T>() + "." + std::string(kind), policy); });
        }
    }

    static std::string inside(std::string const& where, std::string_view key) { return (where == "top" ? "" : where + ".") + std::string(key); }
    template <class T>
    static std::string written(T const& value) {
        if constexpr (is_text<T>) return "\"" + std::string(value) + "\"";
        else return mt::detail::written_value(value);
    }
    static void row(std::string const& where, std::string_view key, std::string const& value, std::string const& names = "") {
        std::printf("%s|%.*s|%s|%s\n", where.c_str(), static_cast<int>(key.size()), key.data(), value.c_str(), names.c_str());
    }

    std::set<std::string> seen_;
};

}  // namespace

int main() { lister().table("top", mt::blank<program::run_form>()); }
