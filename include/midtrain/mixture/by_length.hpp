#pragma once
#include <cstddef>
#include <string_view>
#include <midtrain/concepts/order_policy.hpp>
#include <midtrain/core/short_list.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/source_list.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// Documents by their length: bucket b has those of at least from[b] tokens and fewer than from[b + 1], and shares[b] of the source's
/// tokens. What is shorter than from[0] is not drawn. With `at_end` the shares move there in a straight line over the stage's tokens.
/// Qwen3's long stage (2025, section 3.2) is from {4096, 16384}, shares {.25, .75} at a length of 32768.
struct by_length {
    short_list<index_t> from{};
    short_list<double>  shares{};
    short_list<double>  at_end{};  ///< none: the same
    source_list         only{};    ///< the sources that it is for; none: all

    constexpr std::size_t buckets() const { return from.size(); }
    constexpr std::size_t bucket_of(document_facts const& d) const {
        std::size_t reached = 0;
        while (reached < from.size() && d.tokens >= from[reached]) ++reached;
        return reached > 0 ? reached - 1 : from.size();
    }
    constexpr double share(std::size_t bucket, progress at) const {
        double const first = shares[bucket], last = at_end.empty() ? first : at_end[bucket];
        double const t     = at.share() < 0 ? 0.0 : at.share() > 1 ? 1.0 : at.share();
        return first + (last - first) * t;
    }
    constexpr bool wants_scores() const { return false; }
    constexpr bool is_for(std::string_view source) const { return is_meant(only, source); }
    /// Whether lengths rise and each has its share.
    constexpr bool fits() const {
        bool good = !from.empty() && from[0] >= 0 && shares.size() == from.size() && (at_end.empty() || at_end.size() == from.size());
        for (std::size_t b = 1; b < from.size(); ++b) good &= from[b] > from[b - 1];
        return good;
    }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::by_length;
}
