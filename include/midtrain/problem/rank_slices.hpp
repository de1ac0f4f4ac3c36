#pragma once
#include <algorithm>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// Some values side by side of a flat buffer.
struct value_range {
    index_t begin = 0, size = 0;

    index_t end() const { return begin + size; }
};

/// A flat buffer of `values` cut for ranks that exchange it: into buckets, the order in which backward finishes them, and each bucket into
/// equal slices, one a rank, of whole units. What is left at the end, less than a unit a rank, is everyone's. A unit is what one partial
/// sum of a norm is made of, so that each of those is one rank's.
class rank_slices {
  public:
    static constexpr index_t unit = 4096;  ///< values; squares_of_part takes as many

    rank_slices() = default;
    /// `bucket`: values that are exchanged at once, rounded up to whole units for each rank.
    rank_slices(index_t values, int rank, int ranks, index_t bucket) : values_(values), rank_(rank), ranks_(ranks) {
        check(bucket > 0, "a bucket of gradients that ranks exchange has at least one value");
        index_t const least = unit * ranks;
        bucket_ = (bucket + least - 1) / least * least;
        shared_ = values / least * least;
    }

    index_t values() const { return values_; }
    int     rank() const { return rank_; }
    int     ranks() const { return ranks_; }
    index_t buckets() const { return bucket_ > 0 ? (shared_ + bucket_ - 1) / bucket_ : 0; }

    value_range bucket(index_t b) const { return {b * bucket_, std::min(bucket_, shared_ - b * bucket_)}; }
    /// What rank r has of a bucket.
    value_range slice(index_t b, int r) const {
        auto const    all  = bucket(b);
        index_t const part = all.size / ranks_;
        return {all.begin + r * part, part};
    }
    value_range slice(index_t b) const { return slice(b, rank_); }
    /// Behind the last bucket.
    value_range rest() const { return {shared_, values_ - shared_}; }

    /// Values of one rank, the rest included: its share of an optimizer's memory.
    index_t own() const { return shared_ / ranks_ + rest().size; }
    /// f(range, where it begins among the rank's own values) for each slice of rank r, then for the rest.
    template <class F>
    void each_slice(int r, F const& f) const {
        index_t at = 0;
        for (index_t b = 0; b < buckets(); ++b) {
            auto const s = slice(b, r);
            f(s, at);
            at += s.size;
        }
        if (rest().size > 0) f(rest(), at);
    }

  private:
    index_t values_ = 0, bucket_ = 0, shared_ = 0;
    int     rank_ = 0, ranks_ = 1;
};

}  // namespace midtrain::inline MT_ABI
