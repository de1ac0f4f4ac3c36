#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/problem/score_row.hpp>

namespace midtrain::inline MT_ABI::position {

/// Llama 4's temperature of queries, on layers that turn nothing: s * (1 + scale * ln(1 + floor((query + 1) / floor_length))), as
/// transformers' Llama4TextAttention. `scale` 0 changes no bit, so one type serves layers with and without it.
struct query_temperature {
    double  scale        = 0.1;   ///< attn_scale
    index_t floor_length = 8192;  ///< floor_scale

    constexpr bool fits(index_t) const { return scale >= 0 && scale < 1e6 && floor_length >= 1; }

    MT_HOST_DEVICE constexpr double factor(index_t query) const {
        return 1.0 + scale * math::log(1.0 + static_cast<double>((query + 1) / floor_length));
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
using position::query_temperature;
}
