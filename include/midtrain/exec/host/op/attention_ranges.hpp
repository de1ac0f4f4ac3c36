#pragma once
#include <algorithm>
#include <cmath>
#include <midtrain/problem/attention.hpp>

namespace midtrain::inline MT_ABI::detail {

/// Backward of attention by heads and, where these are too coarse a grain, by ranges of a head's keys: as many whatever the threads, so that they change no
/// bit. Each leaves its share of gradients in float; these sum them, in order.
class attention_ranges {
  public:
    static constexpr index_t tile = 64;  ///< ranges begin where tiles of keys do

    template <class Problem>
    explicit attention_ranges(Problem const& p)
        : length_(p.length), parts_(std::clamp<index_t>(24 / (p.sequences * p.heads), 1, std::max<index_t>(1, p.length / (4 * tile)))) {}

    index_t parts() const { return parts_; }
    /// The first key of a range: earlier keys have more queries, and ranges are to have as much work each.
    index_t first_key(index_t part) const {
        if (part == parts_) return length_;
        double const left = std::sqrt(1.0 - static_cast<double>(part) / static_cast<double>(parts_));
        return static_cast<index_t>(static_cast<double>((length_ + tile - 1) / tile) * (1.0 - left) + 0.5) * tile;
    }

    /// What ranges have left of the gradient of queries first .. last-1 of a head, (sequence, head, part, token, value): those that begin behind a query have
    /// nothing for it.
    template <class G, class C>
    void sum_queries(G const& g, index_t s, index_t head, index_t first, index_t last, C const* queries) const {
        auto const&   p = g.forward;
        index_t const d = p.head_size, each = length_ * d, column = p.query_column(head);
        C const* const from = queries + (s * p.heads + head) * parts_ * each;
        index_t        seen = 1;
        while (seen < parts_ && first_key(seen) <= first) ++seen;
        for (index_t t = first; t < last; ++t)
            for (index_t i = 0; i < d; ++i) {
                C total = 0;
                for (index_t part = 0; part < seen; ++part) total += from[part * each + t * d + i];
                store(g, s * length_ + t, column + i, total);
            }
    }

    /// The heads of a group share a key head: the sum of their shares of keys or values, (sequence, head, token, value), for tokens first .. last-1.
    template <class G, class C>
    void sum_group(G const& g, index_t s, index_t kv, C const* shares, index_t size, index_t column, index_t first, index_t last) const {
        auto const& p = g.forward;
        for (index_t t = first; t < last; ++t)
            for (index_t i = 0; i < size; ++i) {
                C total = 0;
                for (index_t h = kv * p.group(); h < (kv + 1) * p.group(); ++h) total += shares[((s * p.heads + h) * length_ + t) * size + i];
                store(g, s * length_ + t, column + i, total);
            }
    }

    /// All of these sums for tokens first .. last-1 of a sequence.
    template <class G, class C>
    void sum(G const& g, index_t s, index_t first, index_t last, C const* queries, C const* keys, C const* values) const {
        auto const& p = g.forward;
        for (index_t head = 0; parts_ > 1 && head < p.heads; ++head) sum_queries(g, s, head, first, last, queries);
        for (index_t kv = 0; kv < p.kv_heads; ++kv) {
            sum_group(g, s, kv, keys, p.head_size, p.key_column(kv), first, last);
            sum_group(g, s, kv, values, p.values(), p.value_column(kv), first, last);
        }
    }

  private:
    template <class G, class C>
    MT_INLINE static void store(G const& g, index_t row, index_t column, C value) {
        auto& to = g.qkv_gradient(row, column);
        to       = std::remove_reference_t<decltype(to)>(value);
    }
    index_t length_, parts_;
};

}  // namespace midtrain::inline MT_ABI::detail
