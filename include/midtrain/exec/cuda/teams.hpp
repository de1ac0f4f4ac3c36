#pragma once
#include <type_traits>
#include <midtrain/core/types.hpp>

// The teams of a GPU, over a `Lanes` that stands for one thread of a block:
//   number()          of this thread in its block; warps are 32 numbers in a row
//   down(x, by)       what the thread `by` further in the warp gave as x; all of a warp call it
//   of_first(x)       what the warp's first thread gave as x
//   slot<T>(warp)     shared memory for one T, for each warp
//   meet_warp(), meet_block()
// On a GPU it is exec/cuda/lanes.cuh; a test plays it with threads, so the arithmetic below is checked without a GPU.
namespace midtrain::inline MT_ABI {

namespace detail {

/// The sum of a warp's values in its first thread: lane l takes in that of l + 16, then l + 8, ... 1, as solo_team does with its 32
/// running results.
template <class Monoid, class Lanes, class T>
MT_HOST_DEVICE T fold_warp(Lanes const& lanes, T mine) {
    for (int half = 16; half > 0; half /= 2) mine = Monoid::combine(mine, lanes.down(mine, half));
    return mine;
}

}  // namespace detail

/// One warp. Its reductions fold as solo_team's do. Its rows are short: turns are not unrolled, so that more warps have registers.
template <class Lanes>
class warp_team {
  public:
    static constexpr int  size        = 32;
    static constexpr bool takes_packs = true;

    MT_HOST_DEVICE explicit warp_team(Lanes lanes) : lanes_(lanes) {}

    MT_HOST_DEVICE bool leads() const { return lane() == 0; }

    template <class F>
    MT_HOST_DEVICE void each(index_t n, F f) const {
        MT_UNROLL(1)
        for (index_t i = lane(); i < n; i += size) f(i);
        lanes_.meet_warp();
    }

    template <class Monoid, class F>
    MT_HOST_DEVICE auto reduce(index_t n, Monoid, F f) const {
        using T = decltype(f(index_t{}));
        T mine  = Monoid::template identity<T>();
        MT_UNROLL(1)
        for (index_t i = lane(); i < n; i += size) mine = Monoid::combine(mine, f(i));
        lanes_.meet_warp();  // shuffles order no memory: what was read before may be overwritten after
        return lanes_.of_first(detail::fold_warp<Monoid>(lanes_, mine));
    }

  private:
    MT_HOST_DEVICE int lane() const { return lanes_.number() % size; }

    Lanes lanes_;
};

/// A block of N threads: each warp folds its values, then all threads combine the warps' in warp order.
template <int N, class Lanes>
class block_team {
    static_assert(N % 32 == 0 && N >= 32 && N <= 1024, "midtrain: a block team has 32, 64, ... 1024 threads");

  public:
    static constexpr int  size        = N;
    static constexpr bool takes_packs = true;

    MT_HOST_DEVICE explicit block_team(Lanes lanes) : lanes_(lanes) {}

    MT_HOST_DEVICE bool leads() const { return lanes_.number() == 0; }

    template <class F>
    MT_HOST_DEVICE void each(index_t n, F f) const {
        MT_UNROLL(1)
        for (index_t i = lanes_.number(); i < n; i += size) f(i);
        lanes_.meet_block();
    }

    template <class Monoid, class F>
    MT_HOST_DEVICE auto reduce(index_t n, Monoid, F f) const {
        using T = decltype(f(index_t{}));
        T mine  = Monoid::template identity<T>();
        MT_UNROLL(2)
        for (index_t i = lanes_.number(); i < n; i += size) mine = Monoid::combine(mine, f(i));
        mine = detail::fold_warp<Monoid>(lanes_, mine);
        if (lanes_.number() % 32 == 0) *lanes_.template slot<T>(lanes_.number() / 32) = mine;
        lanes_.meet_block();
        T all = *lanes_.template slot<T>(0);
        for (int w = 1; w < size / 32; ++w) all = Monoid::combine(all, *lanes_.template slot<T>(w));
        lanes_.meet_block();  // nobody writes the slots again before all have read them
        return all;
    }

  private:
    Lanes lanes_;
};

}  // namespace midtrain::inline MT_ABI
