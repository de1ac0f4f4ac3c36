#pragma once
#include <cstdint>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// to(k) += the losses of the sequences that come from source k, in double, in the order of the sequences. One source a team.
template <class C>
struct losses_by_source {
    row_view<C const>            losses;   // (sequences * length): 0 where a token has no target
    row_view<std::int32_t const> sources;  // (sequences)
    row_view<double>             to;       // (number of sources)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t k) const {
        index_t const n = sources.size(), length = losses.size() / n;
        double        total = 0;
        for (index_t s = 0; s < n; ++s) {
            if (sources[s] != k) continue;
            auto const of = losses.data + s * length;
            total += team.reduce(length, sum{}, [=](index_t i) { return static_cast<double>(of[i]); });
        }
        if (team.leads()) to[k] += total;
    }
};

}  // namespace midtrain::inline MT_ABI::op
