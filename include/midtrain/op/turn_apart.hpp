#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI::op {

/// Queries and keys turned once for each form of a DistancePolicy, from rows (queries, keys, values) to rows (queries of each form, keys of
/// each key form, values): what an attention_problem with a distance reads. Tables and pairs as in op::rope. One token a team.
template <class T, class Distance>
struct turn_apart {
    matrix_view<T const>             from;  // (tokens, (heads + 2 kv_heads) * size), not turned
    matrix_view<T>                   to;    // (tokens, (forms * heads + (key_forms + 1) * kv_heads) * size)
    row_view<std::int32_t const>     position;
    matrix_view<computed_t<T> const> cosine, sine;  // (positions, half), 2 half <= size
    index_t                          heads, kv_heads, size;
    Distance                         distance;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        index_t const at  = position[t];
        auto const    in  = from.row(t).data;
        auto          out = to.row(t).data;
        for (int f = 0; f < distance.forms(); ++f, out += heads * size) turned(team, in, out, heads, distance.query_position(f, at));
        for (int f = 0; f < distance.key_forms(); ++f, out += kv_heads * size)
            turned(team, in + heads * size, out, kv_heads, distance.key_position(f, at));
        auto const values = in + (heads + kv_heads) * size;
        auto const kept   = out;
        team.each(kv_heads * size, [=](index_t i) { kept[i] = values[i]; });
    }

  private:
    template <class Team>
    MT_HOST_DEVICE void turned(Team const& team, T const* in, T* out, index_t count, index_t at) const {
        using C           = computed_t<T>;
        auto const    c   = cosine.row(at).data;
        auto const    s   = sine.row(at).data;
        index_t const half = cosine.columns, d = size;
        team.each(count * d, [=](index_t k) {
            index_t const i = k % d;
            if (i < half) out[k] = T(C(in[k]) * c[i] - C(in[k + half]) * s[i]);
            else if (i < 2 * half) out[k] = T(C(in[k]) * c[i - half] + C(in[k - half]) * s[i - half]);
            else out[k] = in[k];
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
