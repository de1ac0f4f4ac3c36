#pragma once
#include <cstddef>
#include <string_view>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// A text as a template argument.
template <std::size_t N>
struct literal {
    char text[N];
    consteval literal(char const (&s)[N]) {
        for (std::size_t i = 0; i < N; ++i) text[i] = s[i];
    }
    constexpr operator std::string_view() const { return {text, N - 1}; }
};

}  // namespace midtrain::inline MT_ABI
