#pragma once
#include <cstdint>
#include <type_traits>
#include <utility>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::detail {

/// `size` values of W that the compiler keeps in one vector register, or in several where registers are shorter; at any address.
template <class W, int size>
struct lanes {
    typedef W type __attribute__((vector_size(size * sizeof(W)), aligned(sizeof(W)), may_alias));
};
template <class W, int size>
using lanes_t = typename lanes<W, size>::type;

// Registers are handed on by reference: by value, those longer than every processor's would be another ABI.

/// v = `size` values from `from` on, in the type they are computed in.
template <int size, class T>
MT_INLINE void load_lanes(T const* from, lanes_t<computed_t<T>, size>& v) {
    if constexpr (std::is_same_v<T, bf16>) {
        auto const wide = __builtin_convertvector(*reinterpret_cast<lanes_t<std::uint16_t, size> const*>(from), lanes_t<std::uint32_t, size>) << 16;
        v               = reinterpret_cast<lanes_t<float, size> const&>(wide);
    } else if constexpr (std::is_same_v<T, computed_t<T>>) {
        v = *reinterpret_cast<lanes_t<T, size> const*>(from);
    } else {
        for (int i = 0; i < size; ++i) v[i] = computed_t<T>(from[i]);
    }
}

/// And back: bfloat16 rounds as bf16(float) does.
template <int size, class W, class T>
MT_INLINE void store_lanes(lanes_t<W, size> const& v, T* to) {
    if constexpr (std::is_same_v<T, bf16>) {
        using words        = lanes_t<std::uint32_t, size>;
        words const u      = reinterpret_cast<words const&>(v);
        auto const  above  = (u & 0x7fffffffu) > 0x7f800000u;  // NaN
        words const is_nan = reinterpret_cast<words const&>(above);
        words const upper  = (is_nan & ((u >> 16) | 0x40u)) | (~is_nan & ((u + 0x7fffu + ((u >> 16) & 1u)) >> 16));
        *reinterpret_cast<lanes_t<std::uint16_t, size>*>(to) = __builtin_convertvector(upper, lanes_t<std::uint16_t, size>);
    } else if constexpr (std::is_same_v<T, W>) {
        *reinterpret_cast<lanes_t<W, size>*>(to) = v;
    } else {
        for (int i = 0; i < size; ++i) to[i] = T(v[i]);
    }
}

template <int... l, class V>
MT_INLINE void permute_lanes(V const& a, V const& b, V& to, std::integer_sequence<int, l...>) {
    to = MT_PERMUTED(V, a, b, l);
}

/// Blocks of `apart` values of rows i and i + apart trade places.
template <int apart, class V, int... l>
MT_INLINE void trade_lanes(V& a, V& b, std::integer_sequence<int, l...>) {
    constexpr int size = sizeof...(l);
    V const       low = a, high = b;
    permute_lanes(low, high, a, std::integer_sequence<int, (l & apart ? size + l - apart : l)...>{});
    permute_lanes(low, high, b, std::integer_sequence<int, (l & apart ? size + l : l + apart)...>{});
}

/// Rows become columns, of `size` registers with as many values.
template <int size, class V, int apart = 1>
MT_INLINE void transpose_lanes(V (&v)[size]) {
    if constexpr (apart < size) {
        MT_UNROLL(16)
        for (int i = 0; i < size; ++i)
            if (!(i & apart)) trade_lanes<apart>(v[i], v[i + apart], std::make_integer_sequence<int, size>{});
        transpose_lanes<size, V, 2 * apart>(v);
    }
}

}  // namespace midtrain::inline MT_ABI::detail
