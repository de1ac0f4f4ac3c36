#pragma once
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/pack.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// gradient += sum of parts, in the team's order. 16 bytes of columns a team.
template <class C>
struct sum_of_parts {
    static constexpr index_t row_values = 32;  ///< parts that a team reads at once
    static constexpr int     w          = 16 / sizeof(C);

    row_view<C const> parts;  // (parts, stride)
    index_t           stride, first;
    row_view<C>       gradient;

    static constexpr index_t teams(index_t columns) { return (columns + w - 1) / w; }

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t at) const {
        auto const    from  = parts.data + first + at * w;
        auto const    to    = gradient.data + at * w;
        index_t const left  = gradient.size() - at * w, n = left < w ? left : w, by = stride;
        bool const    packs = n == w && aligned_for_packs<w>(from, from + by);
        auto const    total = team.reduce(parts.size() / by, sums{}, [=](index_t p) {
            if (packs) return load_values<w>(from + p * by);
            pack<C, w> some{};
            for (int k = 0; k < w; ++k)
                if (k < n) some[k] = from[p * by + k];
            return some;
        });
        if (team.leads())
            for (int k = 0; k < w; ++k)
                if (k < n) to[k] += total[k];
    }
};

}  // namespace midtrain::inline MT_ABI::op
