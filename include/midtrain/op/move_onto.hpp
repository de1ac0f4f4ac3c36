#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// to += from, and from becomes zero: what others have sent is taken, and room for the next. One row a team.
template <class T>
struct move_onto {
    matrix_view<T> from, to;  // (rows, width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C      = computed_t<T>;
        auto const x = from.row(r).data, y = to.row(r).data;
        team.each(from.columns, [=](index_t i) {
            y[i] = T(C(y[i]) + C(x[i]));
            x[i] = T(C(0));
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
