#pragma once
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/types.hpp>

// Sixteen states of a channel at a time: loops of a length that the compiler knows become vector code.
namespace midtrain::inline MT_ABI::op {

inline constexpr index_t state_block = 16;

/// The sum of a block, as a tree. Halves by name, since g++ keeps a loop over halves in memory.
template <class C>
MT_HOST_DEVICE MT_INLINE C sum_of_block(C const (&v)[state_block]) {
    C eight[8], four[4];
    for (int n = 0; n < 8; ++n) eight[n] = v[n] + v[n + 8];
    for (int n = 0; n < 4; ++n) four[n] = eight[n] + eight[n + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}
/// The first `count` of a row, and zeros behind them.
template <class C, class X>
MT_HOST_DEVICE MT_INLINE void load_block(C (&v)[state_block], X const* from, index_t count) {
    if (count >= state_block)
        for (index_t n = 0; n < state_block; ++n) v[n] = C(from[n]);
    else
        for (index_t n = 0; n < state_block; ++n) v[n] = n < count ? C(from[n]) : C(0);
}
template <class C>
MT_HOST_DEVICE MT_INLINE void store_block(C const (&v)[state_block], C* to, index_t count) {
    if (count >= state_block)
        for (index_t n = 0; n < state_block; ++n) to[n] = v[n];
    else  // every place by name: a GPU has no index into registers
        for (index_t n = 0; n < state_block; ++n)
            if (n < count) to[n] = v[n];
}
template <class C>
MT_HOST_DEVICE MT_INLINE void add_times(C (&v)[state_block], C const (&x)[state_block], C by) {
    for (index_t n = 0; n < state_block; ++n) v[n] += by * x[n];
}
/// A of a block.
template <class C>
MT_HOST_DEVICE MT_INLINE void load_rates(C (&v)[state_block], C const* log_rate, index_t count) {
    load_block(v, log_rate, count);
    for (index_t n = 0; n < state_block; ++n) v[n] = -exponential(v[n]);
}

}  // namespace midtrain::inline MT_ABI::op
