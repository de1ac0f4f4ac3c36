#pragma once
#include <midtrain/core/view.hpp>
#include <midtrain/op/norm.hpp>

namespace midtrain::inline MT_ABI::op {

/// gradient += sum of parts, in order. 32 values a team.
template <class C>
struct sum_of_parts {
    static constexpr index_t row_values = column_tile;

    row_view<C const> parts;  // (parts, stride)
    index_t           stride, first;
    row_view<C>       gradient;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t at) const {
        auto const    self  = *this;
        index_t const begin = at * column_tile, left = gradient.size() - begin;
        team.each(left < column_tile ? left : column_tile, [=](index_t i) {
            C total = 0;
            for (index_t p = self.first + begin + i; p < self.parts.size(); p += self.stride) total += self.parts[p];
            self.gradient[begin + i] += total;
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
