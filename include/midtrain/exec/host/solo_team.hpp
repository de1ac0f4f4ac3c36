#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// The team of one: a loop. Its reductions keep 32 running results and combine them as a tree, so that the compiler
/// can use vectors of any width and the order stays the same with all of them.
struct solo_team {
    static constexpr index_t width     = 32;
    static constexpr bool    is_a_loop = true;  ///< its values are one thread's: it may look at them in any order

    MT_HOST_DEVICE constexpr bool leads() const { return true; }

    MT_CALLS_ANY
    template <class F>
    MT_HOST_DEVICE void each(index_t n, F f) const {
        MT_INDEPENDENT
        for (index_t i = 0; i < n; ++i) f(i);
    }

    MT_CALLS_ANY
    template <class Monoid, class F>
    MT_HOST_DEVICE auto reduce(index_t n, Monoid, F f) const {
        using T = decltype(f(index_t{}));
        T running[width];
        for (index_t j = 0; j < width; ++j) running[j] = Monoid::template identity<T>();
        index_t i = 0;
        for (; i + width <= n; i += width)
            for (index_t j = 0; j < width; ++j) running[j] = Monoid::combine(running[j], f(i + j));
        for (index_t j = 0; i + j < n; ++j) running[j] = Monoid::combine(running[j], f(i + j));
        for (index_t half = width / 2; half > 0; half /= 2)
            for (index_t j = 0; j < half; ++j) running[j] = Monoid::combine(running[j], running[j + half]);
        return running[0];
    }
};

}  // namespace midtrain::inline MT_ABI
