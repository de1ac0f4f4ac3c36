#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// y(t) = table(index(t)). One token a team.
template <class T>
struct embedding_forward {
    matrix_view<T const>         table;  // (entries, width)
    row_view<std::int32_t const> index;  // (tokens)
    matrix_view<T>               y;      // (tokens, width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        using C = computed_t<T>;
        each_value(team, y.columns, [](C& to, C from) { to = from; }, writes{y.row(t).data}, reads{table.row(index[t]).data});
    }
    index_t row_width() const { return y.columns; }
};

/// Tokens sorted by their index, cut into runs of one index each: what lets the gradient be summed without atomics. A run may be empty, so
/// that a launch may have one size whatever the batch.
struct index_runs {
    row_view<std::int32_t const> order;  // (tokens): token numbers, by index, then by number
    row_view<std::int32_t const> begin;  // (runs + 1): where in `order` each run starts
    index_t                      runs = 0;
};

/// gradient(index) += sum of dy over that index's tokens, in the order of the tokens. One run a team.
template <class T>
struct embedding_backward {
    index_runs                   sorted;
    row_view<std::int32_t const> index;     // (tokens)
    matrix_view<T const>         dy;        // (tokens, width)
    matrix_view<computed_t<T>>   gradient;  // (entries, width)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t run) const {
        index_t const first = sorted.begin[run], last = sorted.begin[run + 1];
        if (first == last) return;  // the same for all lanes of a team
        auto const    to    = gradient.row(index[sorted.order[first]]).data;
        auto const    order = sorted.order.data;
        auto const    d     = dy;
        team.each(dy.columns, [=](index_t i) {
            computed_t<T> total = to[i];
            for (index_t k = first; k < last; ++k) total += computed_t<T>(d(order[k], i));
            to[i] = total;
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
