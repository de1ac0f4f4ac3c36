#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/problem/score_row.hpp>

namespace midtrain::inline MT_ABI::position {

/// LogN attention (Su 2021; Qwen's `use_logn_attn`): s * max(1, ln(i) / ln(trained)), i the query's position counted from 1. Queries past
/// the trained length look as sharply at more keys; up to it nothing changes.
struct logn {
    required<index_t> trained;

    constexpr bool fits(index_t) const { return trained > 1; }

    MT_HOST_DEVICE constexpr double factor(index_t query) const {
        if (query < trained) return 1.0;
        return math::log(static_cast<double>(query + 1)) / math::log(static_cast<double>(trained));
    }
    template <class C>
    MT_HOST_DEVICE constexpr C score(C s, index_t query, index_t, index_t) const {
        return s * C(factor(query));
    }
    template <class C>
    MT_HOST_DEVICE constexpr C slope(C, index_t query, index_t, index_t) const {
        return C(factor(query));
    }
    MT_HOST_DEVICE constexpr factor_of_query for_query(index_t query, index_t) const { return {factor(query)}; }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::logn;
}
