#pragma once
#include <type_traits>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// A field without a default: left out of the braces it is a compile error and not a silent zero.
template <class T>
struct required {
    T value;
    MT_HOST_DEVICE constexpr required(T v) : value(v) {}
    template <class U>
        requires(!__is_same(U, T) && std::is_arithmetic_v<U> && requires(U u) { T(u); })
    MT_HOST_DEVICE constexpr required(U v) : value(static_cast<T>(v)) {}
    MT_HOST_DEVICE constexpr operator T const&() const { return value; }
};

/// The share of a source in a mixture: a number that must be given.
using weight = required<double>;

}  // namespace midtrain::inline MT_ABI
