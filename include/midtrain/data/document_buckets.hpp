#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <vector>
#include <midtrain/concepts/order_policy.hpp>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI::data {

/// The documents of a store by the buckets of an order. Four bytes a document, none where there is one bucket for all; scores take
/// sixteen more while it is made.
///
/// Store: `documents()`, `document(i).size()`, and `score(i)` where the order wants scores; a document whose score is not a number is
/// in no bucket.
class document_buckets {
  public:
    template <class Store, OrderPolicy Order>
    document_buckets(Store const& store, Order const& order, std::string const& source) : first_(order.buckets() + 1, 0) {
        if (order.buckets() == 1 && !order.wants_scores() && order.bucket_of({}) == 0) return;
        auto const count = static_cast<std::int64_t>(store.documents());
        check(count < std::int64_t{1} << 32, [&] { return "source '" + source + "' has more documents than an order of buckets can number"; });
        auto const quantiles = order.wants_scores() ? quantiles_of(store, source) : std::vector<double>();
        std::vector<std::uint8_t> bucket(static_cast<std::size_t>(count));
        check(order.buckets() <= 256, "an order has at most 256 buckets");
        std::vector<bool> none(bucket.size());
        for (std::size_t i = 0; i < bucket.size(); ++i) {
            document_facts const facts{static_cast<std::int64_t>(store.document(static_cast<std::int64_t>(i)).size()),
                                       quantiles.empty() ? 0.0 : quantiles[i]};
            auto const b = std::isnan(facts.quantile) ? order.buckets() : order.bucket_of(facts);
            if (b >= order.buckets()) none[i] = true;
            else bucket[i] = static_cast<std::uint8_t>(b), ++first_[b + 1];
        }
        std::partial_sum(first_.begin(), first_.end(), first_.begin());
        ids_.resize(first_.back());
        auto next = first_;
        for (std::size_t i = 0; i < bucket.size(); ++i)
            if (!none[i]) ids_[next[bucket[i]]++] = static_cast<std::uint32_t>(i);
        listed_ = true;
    }

    /// The numbers of a bucket's documents, rising; all() instead says that it has every document.
    std::span<std::uint32_t const> of(std::size_t bucket) const {
        return std::span(ids_).subspan(first_[bucket], first_[bucket + 1] - first_[bucket]);
    }
    bool        all() const { return !listed_; }
    std::size_t size() const { return first_.size() - 1; }

  private:
    // The share of tokens in documents of lower scores; of equal ones the first comes first.
    template <class Store>
    static std::vector<double> quantiles_of(Store const& store, std::string const& source) {
        auto const                 count = static_cast<std::size_t>(store.documents());
        std::vector<double>        rank(count);
        std::vector<std::uint32_t> by_score(count);
        if constexpr (requires { store.score(0); })
            for (std::size_t i = 0; i < count; ++i) rank[i] = store.score(static_cast<std::int64_t>(i));
        else
            throw error("source '" + source + "' has no scores, and the stage draws by them");
        std::iota(by_score.begin(), by_score.end(), std::uint32_t{0});
        auto const last = std::partition(by_score.begin(), by_score.end(), [&](auto i) { return !std::isnan(rank[i]); });
        std::sort(by_score.begin(), last, [&](auto a, auto b) { return rank[a] != rank[b] ? rank[a] < rank[b] : a < b; });
        auto const tokens = [&](std::uint32_t i) { return static_cast<double>(store.document(i).size()) + 1; };
        double     total = 0, before = 0;
        std::for_each(by_score.begin(), last, [&](auto i) { total += tokens(i); });
        std::for_each(by_score.begin(), last, [&](auto i) { rank[i] = before / total, before += tokens(i); });
        return rank;
    }

    std::vector<std::size_t>   first_;
    std::vector<std::uint32_t> ids_;
    bool                       listed_ = false;
};

}  // namespace midtrain::inline MT_ABI::data
