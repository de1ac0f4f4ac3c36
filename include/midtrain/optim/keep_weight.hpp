#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/optim/step_scalars.hpp>

namespace midtrain::inline MT_ABI {

/// x in bfloat16: the neighbour above with a chance as large as x is far above the one below, so that x is the mean. `draw`: 16 random
/// bits (Gupta et al. 2015, section 3.1). Infinities and what is no number stay.
MT_HOST_DEVICE constexpr bf16 rounded_by_chance(float x, std::uint32_t draw) {
    auto const u = __builtin_bit_cast(std::uint32_t, x);
    if ((u & 0x7f800000u) == 0x7f800000u) return bf16(x);
    bf16 r{};
    r.bits = static_cast<std::uint16_t>((u + (draw & 0xffffu)) >> 16);
    return r;
}

/// What a new weight becomes where it is kept. Master weights in bfloat16 are rounded by chance: with a draw of the seed, the step and the
/// weight's index alone, so that the same run gives the same bits on every device and however often it is resumed.
template <class Precision>
MT_HOST_DEVICE MT_INLINE typename Precision::master kept_weight(index_t at, typename Precision::computed next, step_scalars const& s) {
    using M = typename Precision::master;
    if constexpr (std::is_same_v<M, bf16>) {
        random_stream const draws{s.seed, static_cast<std::uint64_t>(s.step)};
        return rounded_by_chance(next, static_cast<std::uint32_t>(draws.bits(static_cast<std::uint64_t>(at)) >> 48));
    } else {
        return M(next);
    }
}

/// A new weight to where it is kept.
template <class Precision>
MT_HOST_DEVICE void keep_weight(typename Precision::master* master, typename Precision::stored* stored, index_t at,
                                typename Precision::computed next, step_scalars const& s) {
    auto const kept = kept_weight<Precision>(at, next, s);
    master[at]      = kept;
    stored[at]      = typename Precision::stored(computed_t<typename Precision::master>(kept));
}

}  // namespace midtrain::inline MT_ABI
