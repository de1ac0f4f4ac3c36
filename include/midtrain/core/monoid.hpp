#pragma once
#include <midtrain/config.hpp>
#include <midtrain/core/pack.hpp>

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

/// Sums of neighbours, each by itself: of packs.
struct sums {
    template <class P>
    MT_HOST_DEVICE static constexpr P identity() { return P{}; }
    template <class T, int n>
    MT_HOST_DEVICE static constexpr pack<T, n> combine(pack<T, n> a, pack<T, n> const& b) {
        for (int k = 0; k < n; ++k) a[k] += b[k];
        return a;
    }
};

}  // namespace midtrain::inline MT_ABI
