#pragma once
#include <midtrain/exec/host/lanes.hpp>

namespace midtrain::inline MT_ABI::detail {

/// Where one part of the sums of a tile of c goes. Where a product has several parts and c has no room for a float, sums wait apart for the last part.
template <class C, class W>
struct tile_place {
    C*      to;
    index_t stride;
    W*      waiting;
    index_t waiting_stride;
    bool    add_waiting, leave_waiting, add;  ///< to what waits; for a later part; to c
    bool    past_caches;                      ///< c is much, written once, and its rows begin on lines of the cache: a tile may keep them out of it

    /// `size` values of m rows from column j on will be written soon, if they are of c.
    template <int size>
    MT_INLINE void prefetch(index_t m, index_t j) const {
        for (index_t i = 0; i < m; ++i)
            for (index_t x = 0; x < size; x += 64 / sizeof(C)) __builtin_prefetch(to + i * stride + j + x, 1);
    }

    /// `size` sums of row i from column j on.
    template <int size>
    MT_INLINE void take(index_t i, index_t j, lanes_t<W, size> const& sums) const {
        using V = lanes_t<W, size>;
        using M = lanes_in_memory<W, size>;
        V v     = sums;
        if (add_waiting) v += *reinterpret_cast<M const*>(waiting + i * waiting_stride + j);
        if (leave_waiting) {
            *reinterpret_cast<M*>(waiting + i * waiting_stride + j) = v;
            return;
        }
        C* const c = to + i * stride + j;
        if (add) {
            V before;
            load_lanes<size>(c, before);
            v += before;
        }
        store_lanes<size, W>(v, c);
    }

    /// The m x n sums of a tile at the edge of c.
    MT_INLINE void take_part(index_t m, index_t n, W const* sums, index_t width) const {
        for (index_t i = 0; i < m; ++i)
            for (index_t j = 0; j < n; ++j) {
                lanes_t<W, 1> one;
                load_lanes<1>(sums + i * width + j, one);
                take<1>(i, j, one);
            }
    }
};

}  // namespace midtrain::inline MT_ABI::detail
