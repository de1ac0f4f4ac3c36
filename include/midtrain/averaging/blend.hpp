#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::averaging {

/// average += share * (w - average), from the nearer end, as torch.lerp does; a share of 1 is a copy.
template <class T>
struct blend {
    row_view<T const> w;        // (n)
    row_view<T>       average;  // (n)
    T                 share;

    MT_HOST_DEVICE void operator()(index_t i) const {
        T const a = average.data[i], b = w.data[i];
        average.data[i] = share < T(0.5) ? a + share * (b - a) : b - (b - a) * (T(1) - share);
    }
};

/// Both change places.
template <class T>
struct exchange {
    row_view<T> a, b;  // (n)

    MT_HOST_DEVICE void operator()(index_t i) const {
        T const x = a.data[i];
        a.data[i] = b.data[i];
        b.data[i] = x;
    }
};

}  // namespace midtrain::inline MT_ABI::averaging
