#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::position {

/// Attention with linear biases (Press et al. 2022): s - m * (query - key), positions enter nowhere else. The slopes m of a power of two
/// of heads n are 2^(-8/n), 2^(-16/n), ...; other numbers of heads take those of the power below and then every other one of the power
/// above, as the authors' code does. A layer that has it turns nothing.
struct alibi {
    required<index_t> heads;  ///< of queries

    static constexpr bool tells_positions = true;  ///< by itself: beside rotary it would say twice where tokens stand

    constexpr bool fits(index_t of_shape) const { return heads >= 1 && heads == of_shape; }

    MT_HOST_DEVICE constexpr double slope_of(index_t head) const {
        index_t below = 1;
        while (2 * below <= heads) below *= 2;
        double const n = static_cast<double>(below), h = static_cast<double>(head);
        if (head < below) return math::exp(-8.0 * (h + 1) / n * math::ln2);
        return math::exp(-8.0 * (2 * (h - n) + 1) / (2 * n) * math::ln2);
    }

    struct row {
        double  slope_by_token;
        index_t query;

        template <class C>
        MT_HOST_DEVICE constexpr C score(C s, index_t key) const {
            return s - C(slope_by_token) * static_cast<C>(query - key);
        }
        template <class C>
        MT_HOST_DEVICE constexpr C slope(C, index_t) const {
            return C(1);
        }
    };
    MT_HOST_DEVICE constexpr row for_query(index_t query, index_t head) const { return {slope_of(head), query}; }

    template <class C>
    MT_HOST_DEVICE constexpr C score(C s, index_t query, index_t key, index_t head) const {
        return for_query(query, head).score(s, key);
    }
    template <class C>
    MT_HOST_DEVICE constexpr C slope(C s, index_t query, index_t key, index_t head) const {
        return for_query(query, head).slope(s, key);
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::alibi;
}
