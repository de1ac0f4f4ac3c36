#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// Which way rope turns: forward turns queries and keys, backward turns their gradients back.
enum class turn { forward, backward };

/// Rotary embedding in place on the first `heads` heads of each row, pairs (i, i + half) as transformers pairs them (Su et al. 2021,
/// eq. 34). The table holds cosine and sine by position, times the temperature; its width says how many pairs of a head turn, from the
/// first value on, and what follows them is left alone. One token a team.
template <class T>
struct rope {
    matrix_view<T>                   x;  // (tokens, >= heads * size)
    row_view<std::int32_t const>     position;
    matrix_view<computed_t<T> const> cosine, sine;  // (positions, half), 2 half <= size
    index_t                          heads, size;
    turn                             way;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        using C         = computed_t<T>;
        auto const row  = x.row(t).data;
        auto const c    = cosine.row(position[t]).data;
        auto const s    = sine.row(position[t]).data;
        C const    sign = way == turn::forward ? C(1) : C(-1);
        auto const half = cosine.columns;
        each_value_in_blocks(team, heads, half, [=](C& u, C& v, C k, C l) {
            C const a = u, b = v, m = sign * l;
            u         = a * k - b * m;
            v         = b * k + a * m;
        }, updates{row, size}, updates{row + half, size}, reads{c}, reads{s});
    }
    index_t row_width() const { return heads * size; }
};

}  // namespace midtrain::inline MT_ABI::op
