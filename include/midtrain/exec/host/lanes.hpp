#pragma once
#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::detail {

/// `size` values of W that the compiler keeps in one vector register, or in several where registers are shorter; and such values at any address, which are
/// read and written through a pointer and never a variable: where a template deduces their type, it loses its alignment.
template <class W, int size>
struct lanes {
    typedef W in_register __attribute__((vector_size(size * sizeof(W))));
    typedef W in_memory __attribute__((vector_size(size * sizeof(W)), aligned(sizeof(W)), may_alias));
};
template <class W, int size>
using lanes_t = typename lanes<W, size>::in_register;
template <class W, int size>
using lanes_in_memory = typename lanes<W, size>::in_memory;

// Registers are handed on by reference: by value, those longer than every processor's would be another ABI.

/// v = `size` values from `from` on, in the type they are computed in.
template <int size, class T>
MT_INLINE void load_lanes(T const* from, lanes_t<computed_t<T>, size>& v) {
    if constexpr (std::is_same_v<T, bf16>) {
        auto const wide = __builtin_convertvector(*reinterpret_cast<lanes_in_memory<std::uint16_t, size> const*>(from), lanes_t<std::uint32_t, size>) << 16;
        v               = __builtin_bit_cast(lanes_t<float, size>, wide);
    } else if constexpr (std::is_same_v<T, computed_t<T>>) {
        v = *reinterpret_cast<lanes_in_memory<T, size> const*>(from);
    } else {
        for (int i = 0; i < size; ++i) v[i] = computed_t<T>(from[i]);
    }
}

/// And back: bfloat16 rounds as bf16(float) does.
template <int size, class W, class T>
MT_INLINE void store_lanes(lanes_t<W, size> const& v, T* to) {
    if constexpr (std::is_same_v<T, bf16>) {
        using words        = lanes_t<std::uint32_t, size>;
        words const u      = __builtin_bit_cast(words, v);
        auto const  above  = (u & 0x7fffffffu) > 0x7f800000u;  // NaN
        words const is_nan = __builtin_bit_cast(words, above);
        words const upper  = (is_nan & ((u >> 16) | 0x40u)) | (~is_nan & ((u + 0x7fffu + ((u >> 16) & 1u)) >> 16));
        *reinterpret_cast<lanes_in_memory<std::uint16_t, size>*>(to) = __builtin_convertvector(upper, lanes_t<std::uint16_t, size>);
    } else if constexpr (std::is_same_v<T, W>) {
        *reinterpret_cast<lanes_in_memory<W, size>*>(to) = v;
    } else {
        for (int i = 0; i < size; ++i) to[i] = T(v[i]);
    }
}

template <int... l, class V>
MT_INLINE void permute_lanes(V const& a, V const& b, V& to, std::integer_sequence<int, l...>) {
    to = MT_PERMUTED(V, a, b, l);
}

/// `size` values of each of two or four addresses, one behind the other in one register.
template <int size, class W, int... l>
MT_INLINE void join_two(W const* a, W const* b, lanes_t<W, 2 * size>& to, std::integer_sequence<int, l...>) {
    lanes_t<W, size> const low = *reinterpret_cast<lanes_in_memory<W, size> const*>(a), high = *reinterpret_cast<lanes_in_memory<W, size> const*>(b);
    to = MT_PERMUTED(std::remove_cvref_t<decltype(to)>, low, high, l);
}
template <int size, class W, int... l>
MT_INLINE void join_four(W const* a, W const* b, W const* c, W const* d, lanes_t<W, 4 * size>& to, std::integer_sequence<int, l...>) {
    lanes_t<W, 2 * size> low, high;
    join_two<size>(a, b, low, std::make_integer_sequence<int, 2 * size>{});
    join_two<size>(c, d, high, std::make_integer_sequence<int, 2 * size>{});
    to = MT_PERMUTED(std::remove_cvref_t<decltype(to)>, low, high, l);
}

/// Blocks of `apart` values of rows i and i + apart trade places.
template <int apart, class V, int... l>
MT_INLINE void trade_lanes(V& a, V& b, std::integer_sequence<int, l...>) {
    constexpr int size = sizeof...(l);
    V const       low = a, high = b;
    permute_lanes(low, high, a, std::integer_sequence<int, (l & apart ? size + l - apart : l)...>{});
    permute_lanes(low, high, b, std::integer_sequence<int, (l & apart ? size + l : l + apart)...>{});
}

/// One half of each 128 bits of a and of b, the values of b between those of a.
template <bool high, class V, int... l>
MT_INLINE void interleave_lanes(V const& a, V const& b, V& to, std::integer_sequence<int, l...>) {
    constexpr int size = sizeof...(l), each = 16 / sizeof(a[0]);
    permute_lanes(a, b, to, std::integer_sequence<int, (l / each * each + l % each / 2 + (high ? each / 2 : 0) + l % 2 * size)...>{});
}

/// Rows become columns within each 128 bits, of as many registers as those have values.
template <class V, int size>
MT_INLINE void transpose_in_128_bits(V (&v)[size]) {
    using all = std::make_integer_sequence<int, sizeof(V) / sizeof(v[0][0])>;
    for (int times = 1; times < size; times *= 2) {
        V w[size];
        MT_UNROLL(8)
        for (int i = 0; i < size / 2; ++i) {
            interleave_lanes<false>(v[i], v[i + size / 2], w[2 * i], all{});
            interleave_lanes<true>(v[i], v[i + size / 2], w[2 * i + 1], all{});
        }
        std::copy_n(w, size, v);
    }
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
