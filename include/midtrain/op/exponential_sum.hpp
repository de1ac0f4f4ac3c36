#pragma once
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>

namespace midtrain::inline MT_ABI::op {

/// sum(exp(x)) = total * exp(top), where top is the largest x.
template <class C>
struct exponential_sum {
    C top, total;
};

/// Adds two such sums with one exponential: the part with the smaller top is brought to the larger one (Milakov and Gimelshein 2018).
struct add_exponentials {
    template <class S>
    MT_HOST_DEVICE static constexpr S identity() {
        return {-3.402823466e38f, 0};  // finite, so that a difference of two is a number
    }
    template <class C>
    MT_HOST_DEVICE MT_INLINE static exponential_sum<C> combine(exponential_sum<C> a, exponential_sum<C> const& b) {
        bool const b_larger = b.top > a.top;
        C const    less = exponential(b_larger ? a.top - b.top : b.top - a.top);
        return b_larger ? exponential_sum<C>{b.top, a.total * less + b.total} : exponential_sum<C>{a.top, a.total + b.total * less};
    }
};

/// That of n values. Collective. In one reading of them where a team takes packs, since there the values come from far; else in two, which
/// cost a CPU less than twice as many exponentials.
template <class Team, class C>
MT_HOST_DEVICE exponential_sum<C> sum_exponentials(Team const& team, index_t n, C const* x) {
    if constexpr (takes_packs<Team>) {
        return reduce_values(team, n, add_exponentials{}, [](C u) { return exponential_sum<C>{u, 1}; }, reads{x});
    } else {
        C const top = team.reduce(n, largest{}, [=](index_t i) { return x[i]; });
        return {top, team.reduce(n, sum{}, [=](index_t i) { return exponential(x[i] - top); })};
    }
}

/// That of n values, each of which becomes its own exponential, against the largest of its block: who wants exp(x - top) afterwards multiplies by
/// factor(block) and computes no second exponential. A block is looked at twice while it is in a cache. For a team that is a loop.
template <class C>
class block_exponentials {
  public:
    template <class Team>
    MT_HOST_DEVICE block_exponentials(Team const& team, index_t n, C* x) : size_(n), block_(((n + most - 1) / most + unit - 1) / unit * unit) {
        C const lowest = add_exponentials::identity<exponential_sum<C>>().top;
        sum_.top       = lowest;
        for (index_t b = 0; b < blocks(); ++b) {
            C* const      in   = x + first(b);
            index_t const m    = last(b) - first(b);
            C const       high = team.reduce(m, largest{}, [=](index_t i) { return in[i]; });
            C const       top  = high > lowest ? high : lowest;  // of values that are all minus infinity, too, a difference is a number
            top_[b]            = top;
            exponential_sum<C> block{top, C(0)};
            for (index_t k = 0; k < m; k += part) {
                C* const some = in + k;
                // The next block, or row, while this one is computed. A loop is no GPU's team.
                for (index_t i = 0; i < part; i += line) MT_BY_DEVICE(static_cast<void>(0), __builtin_prefetch(some + m + i, 0, 2));
                block.total += team.reduce(m - k < part ? m - k : part, sum{}, [=](index_t i) { return some[i] = exponential(some[i] - top); });
            }
            sum_ = add_exponentials::combine(sum_, block);
        }
    }
    MT_HOST_DEVICE exponential_sum<C> total() const { return sum_; }
    MT_HOST_DEVICE index_t blocks() const { return (size_ + block_ - 1) / block_; }
    MT_HOST_DEVICE index_t first(index_t b) const { return b * block_; }
    MT_HOST_DEVICE index_t last(index_t b) const { return size_ - first(b) < block_ ? size_ : first(b) + block_; }
    MT_HOST_DEVICE C factor(index_t b) const { return exponential(top_[b] - sum_.top); }

  private:
    static constexpr index_t most = 64, unit = 1024;            // blocks, and their size's
    static constexpr index_t part = 256, line = 64 / sizeof(C);  // of a block, and of a cache
    index_t            size_, block_;
    exponential_sum<C> sum_{};
    C                  top_[most];
};

}  // namespace midtrain::inline MT_ABI::op
