#pragma once
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

// A monoid: an identity and an associative combine. Teams reduce with one, in a fixed order.

struct sum {
    template <class T>
    MT_HOST_DEVICE static constexpr T identity() { return T(0); }
    template <class T>
    MT_HOST_DEVICE static constexpr T combine(T a, T b) { return a + b; }
};

struct largest {
    template <class T>
    MT_HOST_DEVICE static constexpr T identity() { return -T(__builtin_bit_cast(float, 0x7f800000u)); }
    template <class T>
    MT_HOST_DEVICE static constexpr T combine(T a, T b) { return a < b ? b : a; }
};

}  // namespace midtrain::inline MT_ABI
