#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <midtrain/core/blank.hpp>
#include <midtrain/core/literal.hpp>

// One of several types, chosen at run time by its name: what a policy is where a file names it and no compiler has seen it. The form is
// still typed: each option is a policy of its own, with its own fields.
namespace midtrain::inline MT_ABI {

template <literal Name, class T>
struct option {
    using type                               = T;
    static constexpr std::string_view name = Name;
};

/// Holds one of the options. Policies of a run-time kind derive from it and ask `visit`.
template <class... Options>
class choice {
  public:
    static constexpr std::array<std::string_view, sizeof...(Options)> names{Options::name...};

    constexpr choice() : value_(blank<typename std::tuple_element_t<0, std::tuple<Options...>>::type>()) {}
    template <class T>
        requires(std::is_same_v<T, typename Options::type> || ...)
    constexpr choice(T value) : value_(std::move(value)) {}

    constexpr std::string_view kind() const { return names[value_.index()]; }
    /// Another kind, its required fields zero and the others as they are by default; false where there is none of that name.
    constexpr bool choose(std::string_view name) {
        bool found = false;
        ((Options::name == name ? (value_.template emplace<index_of<Options>()>(blank<typename Options::type>()), found = true) : false), ...);
        return found;
    }
    template <class F>
    constexpr decltype(auto) visit(F&& f) const {
        return from<0>(f, value_);
    }
    template <class F>
    constexpr decltype(auto) visit(F&& f) {
        return from<0>(f, value_);
    }
    static std::string listed() {
        std::string all;
        for (auto const n : names) all.append(all.empty() ? "" : ", ").append(n);
        return all;
    }

  private:
    template <class Option>
    static consteval std::size_t index_of() {
        std::size_t i = 0, at = 0;
        ((at = std::is_same_v<Option, Options> ? i : at, ++i), ...);
        return at;
    }

    // std::visit is the same and costs a compiler several times as much.
    template <std::size_t I, class F, class Value>
    static constexpr decltype(auto) from(F& f, Value& value) {
        if constexpr (I + 1 == sizeof...(Options)) return f(*std::get_if<I>(&value));
        else {
            if (value.index() == I) return f(*std::get_if<I>(&value));
            return from<I + 1>(f, value);
        }
    }

    std::variant<typename Options::type...> value_;
};

}  // namespace midtrain::inline MT_ABI
