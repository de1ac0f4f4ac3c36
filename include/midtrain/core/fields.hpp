#pragma once
#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <midtrain/config.hpp>

// The fields of an aggregate: how many, what they are called, and a loop over them. Names are read off the compiler's own spelling of
// a pointer to the field. Up to 24 fields, no base classes, no arrays.
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
template <class S, std::size_t N = 25>
consteval std::size_t count_fields() {
    if constexpr (N == 0 || std::is_empty_v<S>) return 0;
    else if constexpr (takes<S>(std::make_index_sequence<N>{})) return N;
    else return count_fields<S, N - 1>();
}

/// Pointers to all fields of s.
template <class S>
constexpr auto field_pointers(S& s) {
    constexpr std::size_t n   = count_fields<std::remove_const_t<S>>();
    auto const            all = [](auto&... field) { return std::tuple{&field...}; };
    static_assert(n <= 24, "midtrain: a policy, a recipe or a sources struct has at most 24 fields");
    if constexpr (n == 0) return std::tuple<>{};
    else if constexpr (n == 1) { auto& [a] = s; return all(a); }
    else if constexpr (n == 2) { auto& [a, b] = s; return all(a, b); }
    else if constexpr (n == 3) { auto& [a, b, c] = s; return all(a, b, c); }
    else if constexpr (n == 4) { auto& [a, b, c, d] = s; return all(a, b, c, d); }
    else if constexpr (n == 5) { auto& [a, b, c, d, e] = s; return all(a, b, c, d, e); }
    else if constexpr (n == 6) { auto& [a, b, c, d, e, f] = s; return all(a, b, c, d, e, f); }
    else if constexpr (n == 7) { auto& [a, b, c, d, e, f, g] = s; return all(a, b, c, d, e, f, g); }
    else if constexpr (n == 8) { auto& [a, b, c, d, e, f, g, h] = s; return all(a, b, c, d, e, f, g, h); }
    else if constexpr (n == 9) { auto& [a, b, c, d, e, f, g, h, i] = s; return all(a, b, c, d, e, f, g, h, i); }
    else if constexpr (n == 10) { auto& [a, b, c, d, e, f, g, h, i, j] = s; return all(a, b, c, d, e, f, g, h, i, j); }
    else if constexpr (n == 11) { auto& [a, b, c, d, e, f, g, h, i, j, k] = s; return all(a, b, c, d, e, f, g, h, i, j, k); }
    else if constexpr (n == 12) { auto& [a, b, c, d, e, f, g, h, i, j, k, l] = s; return all(a, b, c, d, e, f, g, h, i, j, k, l); }
    else if constexpr (n == 13) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = s; return all(a, b, c, d, e, f, g, h, i, j, k, l, m); }
    else if constexpr (n == 14) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = s; return all(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
    }
    else if constexpr (n == 15) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = s; return all(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
    }
    else if constexpr (n == 16) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = s;
        return all(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
    }
    else if constexpr (n == 17) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = s;
        return all(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q);
    }
    else if constexpr (n == 18) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r] = s;
        return all(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r);
    }
    else if constexpr (n == 19) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t] = s;
        return all(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t);
    }
    else if constexpr (n == 20) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t, u] = s;
        return all(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t, u);
    }
    else if constexpr (n == 21) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t, u, v] = s;
        return all(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t, u, v);
    }
    else if constexpr (n == 22) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t, u, v, w] = s;
        return all(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t, u, v, w);
    }
    else if constexpr (n == 23) {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t, u, v, w, x] = s;
        return all(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t, u, v, w, x);
    }
    else {
        auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t, u, v, w, x, y] = s;
        return all(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, t, u, v, w, x, y);
    }
}

template <class S>
struct somewhere {
    S value;
};
template <class S>
extern somewhere<S> const nowhere;  // never defined: only its fields' addresses are spelled

template <auto Pointer>
consteval std::string_view spelled() {
    std::string_view const text  = __PRETTY_FUNCTION__;
    std::size_t            end   = text.find("nowhere");
    // Up to what closes or ends outside of all brackets: types inside may be in "{anonymous}" or "(anonymous namespace)".
    // Plain comparisons: the types of a run file's stage are thousands of letters, and the compiler counts each step.
    for (int depth = 0;; ++end) {
        char const c = text[end];
        if (depth == 0 && (c == ')' || c == '}' || c == ';' || c == ']')) break;
        depth += c == '<' || c == '(' || c == '{' ? 1 : c == '>' || c == ')' || c == '}' ? -1 : 0;
    }
    std::size_t const      colon = text.substr(0, end).find_last_of(":.");
    return text.substr(colon + 1, end - colon - 1);
}
template <class S, std::size_t... I>
consteval auto names_of(std::index_sequence<I...>) {
    return std::array<std::string_view, sizeof...(I)>{spelled<std::get<I>(field_pointers(nowhere<S>.value))>()...};
}

}  // namespace detail

template <class S>
inline constexpr std::size_t field_count = detail::count_fields<S>();

/// The names of S's fields in the order of declaration.
template <class S>
inline constexpr auto field_names = detail::names_of<S>(std::make_index_sequence<field_count<S>>{});

/// f(name, field) for each field, in the order of declaration.
template <class S, class F>
constexpr void for_each_field(S& s, F&& f) {
    auto const& names = field_names<std::remove_const_t<S>>;
    std::apply(
        [&](auto*... field) {
            std::size_t i = 0;
            (f(names[i++], *field), ...);
        },
        detail::field_pointers(s));
}

}  // namespace midtrain::inline MT_ABI
