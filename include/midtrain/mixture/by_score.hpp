#pragma once
#include <cstddef>
#include <string_view>
#include <midtrain/concepts/order_policy.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/source_list.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// A stretch of a source's documents by the rank of their scores, in shares of its tokens: {.5, 1} is the half with the higher scores.
struct quantiles {
    double low = 0, high = 1;
};

/// A curriculum: documents are drawn from a stretch of score quantiles that moves from `from` to `to` over the stage's tokens, at the
/// pace t^pace. Each token of the stretch is as likely as any other of it. Scores come from a file beside the tokens; where they are a
/// reference model's loss, low is easy. Platanios et al. (2019, "Competence-based Curriculum Learning", equation 7 with c0 = 0) is
/// from {0, .01}, to {0, 1}, pace .5; a rank by quality is from {0, 1}, to {.8, 1}.
struct by_score {
    quantiles   from{};
    quantiles   to{};
    double      pace   = 1;
    index_t     grades = 16;  ///< buckets of equal tokens that quantiles are rounded to
    source_list only{};       ///< the sources that it is for; none: all

    constexpr quantiles stretch(progress at) const {
        double const r = at.share(), t = r <= 0 ? 0.0 : r >= 1 ? 1.0 : pace == 1 ? r : math::pow(r, pace);
        return {from.low + (to.low - from.low) * t, from.high + (to.high - from.high) * t};
    }

    constexpr std::size_t buckets() const { return static_cast<std::size_t>(grades); }
    constexpr std::size_t bucket_of(document_facts const& d) const {
        return static_cast<std::size_t>(d.quantile * static_cast<double>(grades));
    }
    constexpr double share(std::size_t bucket, progress at) const {
        auto const   s     = stretch(at);
        double const width = 1.0 / static_cast<double>(grades), first = static_cast<double>(bucket) * width, last = first + width;
        double const low = first > s.low ? first : s.low, high = last < s.high ? last : s.high;
        return high > low ? (high - low) / (s.high - s.low) : 0.0;
    }
    constexpr bool wants_scores() const { return true; }
    constexpr bool is_for(std::string_view source) const { return is_meant(only, source); }
    /// Whether both stretches lie between 0 and 1 and hold something.
    constexpr bool fits() const {
        auto const good = [](quantiles q) { return q.low >= 0 && q.low < q.high && q.high <= 1; };
        return good(from) && good(to) && pace > 0 && grades >= 1 && grades <= 256;
    }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::by_score;
using mixture::quantiles;
}  // namespace midtrain::inline MT_ABI
