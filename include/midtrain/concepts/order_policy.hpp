#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// What an order may know of a document.
struct document_facts {
    std::int64_t tokens   = 0;  ///< without an end token
    double       quantile = 0;  ///< share of the source's tokens in documents of a lower score, from 0 to below 1
};

/// In which order a stage draws the documents of a source: a law that puts each document into one of buckets() buckets, or into none (then
/// bucket_of() is buckets()), and the share of the source's tokens that comes from each as a pure function of progress. Within a bucket
/// documents are shuffled anew each epoch. Law: shares are not negative, and their sum is one, over the whole budget. Sources that
/// is_for() does not name are shuffled. The shortest one is midtrain/mixture/shuffled.hpp.
template <class Policy>
concept OrderPolicy = requires(Policy const policy, document_facts const& facts, std::size_t bucket, progress at, std::string_view source) {
    { policy.buckets() } -> std::convertible_to<std::size_t>;
    { policy.bucket_of(facts) } -> std::convertible_to<std::size_t>;
    { policy.share(bucket, at) } -> std::convertible_to<double>;
    { policy.wants_scores() } -> std::same_as<bool>;
    { policy.is_for(source) } -> std::same_as<bool>;
};

}  // namespace midtrain::inline MT_ABI
