#pragma once
#include <algorithm>
#include <cmath>
#include <type_traits>
#include <midtrain/problem/attention.hpp>

namespace midtrain::inline MT_ABI::detail {

/// Backward of attention by heads and, where these are too coarse a grain, by ranges of a head's keys: as many whatever the threads, so that they change no
/// bit. Each leaves its share of gradients in float; these sum them, in order.
class attention_ranges {
  public:
    static constexpr index_t tile = 64;  ///< ranges begin where tiles of keys do
    static constexpr index_t padded(index_t length) { return (length + tile - 1) / tile * tile; }

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

    /// What a range leaves of the gradient of its keys' values, `size` for each of n tokens from `first` on, rows `stride` apart: where a head has keys of its own it
    /// is all there is, and goes where it belongs; else to the head's share, (sequence, head, token, value).
    template <class G, class C>
    MT_INLINE void leave(G const& g, index_t which, index_t first, index_t n, index_t column, index_t size, C const* from, index_t stride, C* shares) const {
        auto const& p = g.forward;
        for (index_t t = first; t < first + n; ++t, from += stride) {
            if (p.group() == 1) copy(from, size, &g.qkv_gradient(which / p.heads * length_ + t, column));
            else copy(from, size, shares + (which * length_ + t) * size);
        }
    }
    /// Values of such a share, of keys or of values; none where heads have keys of their own.
    template <class Problem>
    index_t shared(Problem const& p, index_t size) const { return p.group() > 1 ? p.sequences * p.heads * length_ * size : 0; }

    /// What ranges have left of the gradient of queries first .. last-1 of a head, (sequence, head, part, token, value): those that begin behind a query have
    /// nothing for it.
    template <class G, class C>
    MT_INLINE void sum_queries(G const& g, index_t s, index_t head, index_t first, index_t last, C const* queries) const {
        auto const&   p = g.forward;
        index_t const each = length_ * p.head_size;
        index_t       seen = 1;
        while (seen < parts_ && first_key(seen) <= first) ++seen;
        add_up(g, s, first, last, p.query_column(head), p.head_size, seen, queries + (s * p.heads + head) * parts_ * each, each);
    }

    /// The heads of a group share a key head: the sum of their shares of keys or values, (sequence, head, token, value), for tokens first .. last-1.
    template <class G, class C>
    MT_INLINE void sum_group(G const& g, index_t s, index_t kv, C const* shares, index_t size, index_t column, index_t first, index_t last) const {
        auto const&   p = g.forward;
        index_t const each = length_ * size;
        add_up(g, s, first, last, column, size, p.group(), shares + (s * p.heads + kv * p.group()) * each, each);
    }

    /// Whether there is anything to sum, for queries or for keys.
    template <class Problem>
    bool sums(Problem const& p) const { return parts_ > 1 || p.group() > 1; }

    /// All of these sums for tokens first .. last-1 of a sequence.
    template <class G, class C>
    MT_INLINE void sum(G const& g, index_t s, index_t first, index_t last, C const* queries, C const* keys, C const* values) const {
        auto const& p = g.forward;
        for (index_t head = 0; parts_ > 1 && head < p.heads; ++head) sum_queries(g, s, head, first, last, queries);
        for (index_t kv = 0; p.group() > 1 && kv < p.kv_heads; ++kv) {
            sum_group(g, s, kv, keys, p.head_size, p.key_column(kv), first, last);
            sum_group(g, s, kv, values, p.values(), p.value_column(kv), first, last);
        }
    }

  private:
    template <class From, class To>
    MT_INLINE static void copy(From const* from, index_t n, To* to) {
        MT_INDEPENDENT
        for (index_t i = 0; i < n; ++i) to[i] = To(from[i]);
    }
    /// The sums of `n` arrays (token, size) that lie `each` values apart.
    template <class G, class C>
    MT_INLINE void add_up(G const& g, index_t s, index_t first, index_t last, index_t column, index_t size, index_t n, C const* from, index_t each) const {
        constexpr index_t many = 64;
        for (index_t t = first; t < last; ++t)
            for (index_t begin = 0; begin < size; begin += many) {
                C             total[many];
                index_t const wide = std::min(many, size - begin);
                auto* const   to   = &g.qkv_gradient(s * length_ + t, column + begin);
                for (index_t k = 0; k < n; ++k) {
                    C const* const one = from + k * each + t * size + begin;
                    MT_INDEPENDENT
                    for (index_t i = 0; i < wide; ++i) total[i] = k == 0 ? one[i] : total[i] + one[i];
                }
                MT_INDEPENDENT
                for (index_t i = 0; i < wide; ++i) to[i] = std::remove_pointer_t<decltype(to)>(total[i]);
            }
    }
    index_t length_, parts_;
};

}  // namespace midtrain::inline MT_ABI::detail
