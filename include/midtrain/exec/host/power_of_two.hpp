#pragma once
#include <midtrain/exec/host/amx.hpp>

namespace midtrain::inline MT_ABI::detail {

/// 2^x for each value, to 2.4e-7 of it: a power times a polynomial of what is left, the one of its degree whose largest error is least. For who has the
/// instructions of amx.hpp, half as many as fast_exp's; an infinite x gives 0 or infinity, as times_power() says.
template <class Units = amx, class V>
MT_INLINE void power_of_two(V const& x, V& to) {
    V whole, p;
    Units::round_whole(x, whole);
    V const rest = x - whole;
    p            = rest * 1.327647129e-3f + 9.675540961e-3f;
    p            = p * rest + 5.550713092e-2f;
    p            = p * rest + 2.402212024e-1f;
    p            = p * rest + 6.931469440e-1f;
    p            = p * rest + 1.0000001192f;
    Units::times_power(p, whole, to);
}

}  // namespace midtrain::inline MT_ABI::detail
