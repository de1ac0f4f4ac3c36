#pragma once
#include <algorithm>
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/op/attention_ranges.hpp>
#include <midtrain/problem/attention.hpp>

namespace midtrain::inline MT_ABI::detail {

/// Of a tile of queries: from which key each sees, and so which tiles of keys all of them see whole.
struct seen_keys {
    static constexpr index_t tile = attention_ranges::tile;

    std::int32_t begin[tile];
    index_t      query, least, most;  ///< the first query; the first key that one of them sees, and that all see

    MT_INLINE seen_keys(attention_problem<bf16> const& p, index_t base, index_t first, index_t n) : query(first), least(p.length), most(0) {
        for (index_t c = 0; c < tile; ++c) {
            begin[c] = static_cast<std::int32_t>(c < n ? p.first(base + first + c) : 0);
            if (c < n) least = std::min<index_t>(least, begin[c]), most = std::max<index_t>(most, begin[c]);
        }
    }
    bool whole(index_t key) const { return key + tile - 1 <= query && key >= most; }

    /// score (keys by queries) = score * scale - less, of each query, and `hidden` where a query does not see the key.
    MT_INLINE void scale_and_hide(index_t key, float scale, float const* less, float hidden, float (&score)[tile][tile]) const {
        for (index_t j = 0; j < tile; ++j) {
            auto const k = static_cast<std::int32_t>(key + j), last = static_cast<std::int32_t>(key + j - query);
            MT_INDEPENDENT
            for (std::int32_t c = 0; c < tile; ++c) {
                float const s = score[j][c] * scale - less[c];
                score[j][c]   = k >= begin[c] && last <= c ? s : hidden;
            }
        }
    }
};

}  // namespace midtrain::inline MT_ABI::detail
