#pragma once
#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <midtrain/core/view.hpp>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace midtrain::inline MT_ABI::detail {

/// n zeros past the caches: a store that does not first read what it overwrites moves half the bytes.
template <class T>
void stream_zeros(T* x, index_t n) {
    static_assert(std::is_arithmetic_v<T>);
#ifdef __SSE2__
    constexpr index_t many = 64 / sizeof(T);
    index_t const     skip = std::min(n, static_cast<index_t>((64 - reinterpret_cast<std::uintptr_t>(x) % 64) % 64 / sizeof(T)));
    std::fill_n(x, skip, T(0));
    index_t i = skip;
    for (; i + many <= n; i += many)
        for (int k = 0; k < 4; ++k) _mm_stream_si128(reinterpret_cast<__m128i*>(x + i) + k, _mm_setzero_si128());
    _mm_sfence();
    std::fill_n(x + i, n - i, T(0));
#else
    std::fill_n(x, n, T(0));
#endif
}

}  // namespace midtrain::inline MT_ABI::detail
