#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// n values side by side, aligned to their size in all: what one load or store of a GPU moves, when it is 16 bytes.
template <class T, int n>
struct alignas(sizeof(T) * n) pack {
    T values[n];

    MT_HOST_DEVICE constexpr T&       operator[](int i) { return values[i]; }
    MT_HOST_DEVICE constexpr T const& operator[](int i) const { return values[i]; }
};

/// The pack that begins at `from`, an address that is a multiple of its size; and back. By assignment, since nvcc makes single bytes
/// of a memcpy.
template <int n, class T>
MT_HOST_DEVICE pack<std::remove_const_t<T>, n> load_pack(T* from) {
    return *reinterpret_cast<pack<std::remove_const_t<T>, n> const*>(from);
}
template <class T, int n>
MT_HOST_DEVICE void store_pack(pack<T, n> const& p, T* to) {
    *reinterpret_cast<pack<T, n>*>(to) = p;
}

namespace detail {

struct four_words {
    std::uint32_t w[4];
};

}  // namespace detail

/// The same where views point, a GPU's global memory. nvcc 13 makes single stores of an assignment in a loop.
template <class T, int n>
MT_HOST_DEVICE void store_global(pack<T, n> const& p, T* to) {
    if constexpr (sizeof(p) == 16) {
        [[maybe_unused]] auto const v = __builtin_bit_cast(detail::four_words, p);
        MT_BY_DEVICE(asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(to)), "r"(v.w[0]), "r"(v.w[1]),
                                  "r"(v.w[2]), "r"(v.w[3])
                                  : "memory"),
                     store_pack(p, to));
    } else {
        store_pack(p, to);
    }
}

/// w values from `from` on in the type they are computed in, and back; more than 16 bytes by several packs.
template <int w, class T>
MT_HOST_DEVICE MT_INLINE pack<computed_t<T>, w> load_values(T const* from) {
    pack<computed_t<T>, w> v;
    if constexpr (w == 1) {
        v[0] = computed_t<T>(*from);
    } else {
        constexpr int most = 16 / sizeof(T), size = w < most ? w : most;
        for (int j = 0; j < w; j += size) {
            auto const part = load_pack<size>(from + j);
            for (int k = 0; k < size; ++k) v[j + k] = computed_t<T>(part[k]);
        }
    }
    return v;
}
template <int w, class T>
MT_HOST_DEVICE MT_INLINE void store_values(pack<computed_t<T>, w> const& v, T* to) {
    if constexpr (w == 1) {
        *to = T(v[0]);
    } else {
        constexpr int most = 16 / sizeof(T), size = w < most ? w : most;
        for (int j = 0; j < w; j += size) {
            pack<T, size> part;
            for (int k = 0; k < size; ++k) part[k] = T(v[j + k]);
            store_global(part, to + j);
        }
    }
}

/// Whether w values from each address on may be loaded or stored by packs.
template <int w, class... T>
MT_HOST_DEVICE bool aligned_for_packs(T*... at) {
    return ((reinterpret_cast<std::uintptr_t>(at) % (w * sizeof(T) < 16 ? w * sizeof(T) : 16) == 0) && ...);
}

/// An element functor that can also do `pack_size` neighbours at once says so by three members:
///   static constexpr int pack_size                16 bytes of its widest type
///   bool packs() const                            whether its views are aligned for it
///   void pack_from(index_t i) const               does i .. i + pack_size - 1, i a multiple of pack_size
template <class F>
inline constexpr bool offers_packs = requires(F const f, index_t i) {
    F::pack_size;
    f.packs();
    f.pack_from(i);
};

/// Such a functor by packs: element p does the p-th pack, or what is left at the end of n values.
template <class F>
struct by_packs {
    F       f;
    index_t n;

    MT_HOST_DEVICE void operator()(index_t p) const {
        index_t const first = p * F::pack_size;
        if (first + F::pack_size <= n) return f.pack_from(first);
        for (index_t i = first; i < n; ++i) f(i);
    }
    index_t elements() const { return (n + F::pack_size - 1) / F::pack_size; }
};

}  // namespace midtrain::inline MT_ABI
