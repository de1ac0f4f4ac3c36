#pragma once
#include <type_traits>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::detail {

template <int bytes, class F, class... A>
MT_WIDE [[gnu::flatten]] void in_wide_registers(F const& f, A... a) {
    f(std::integral_constant<int, bytes>{}, a...);
}

/// f(bytes, a...) compiled for the longest vector registers that this processor has, with their bytes as an integral constant: AVX-512 is chosen at run time
/// where the build is for less.
template <class F, class... A>
void in_longest_registers(F const& f, A... a) {
    if constexpr (MT_WIDE_IS_CHOSEN) {
        static bool const wide = MT_HAS_WIDE;
        if (wide) in_wide_registers<64>(f, a...);
        else f(std::integral_constant<int, MT_VECTOR_BYTES>{}, a...);
    } else {
        in_wide_registers<MT_VECTOR_BYTES>(f, a...);
    }
}

}  // namespace midtrain::inline MT_ABI::detail
