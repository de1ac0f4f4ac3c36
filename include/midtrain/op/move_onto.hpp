#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// to += from, and from becomes zero: what others have sent is taken, and room for the next. One row a team.
template <class T>
struct move_onto {
    matrix_view<T> from, to;  // (rows, width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C = computed_t<T>;
        each_value(team, from.columns, [](C& y, C& x) {
            y = y + x;
            x = C(0);
        }, updates{to.row(r).data}, updates{from.row(r).data});
    }
    index_t row_width() const { return from.columns; }
};

}  // namespace midtrain::inline MT_ABI::op
