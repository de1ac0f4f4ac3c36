#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// y = x + by * y, and then what `next` does to rows of y, which are in the cache yet: with a norm 4 passes over memory instead of 5, and a launch
/// less. The same bits as one after the other. One row a team.
template <class T, class Next>
struct add_then {
    matrix_view<T const> x;  // (rows, width)
    matrix_view<T>       y;  // (rows, width)
    computed_t<T>        by;
    Next                 next;
    static constexpr bool much_arithmetic = requires { requires Next::much_arithmetic; };

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C   = computed_t<T>;
        C const k = by;
        each_value(team, x.columns, [=](C& to, C from) { to = from + k * to; }, updates{y.row(r).data}, reads{x.row(r).data});
        next(team, r);
    }
    index_t row_width() const { return x.columns; }
};

}  // namespace midtrain::inline MT_ABI::op
