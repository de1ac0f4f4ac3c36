#pragma once
#include <algorithm>
#include <type_traits>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/lanes.hpp>
#include <midtrain/exec/host/op/attention_ranges.hpp>
#include <midtrain/exec/host/solo_team.hpp>
#include <midtrain/exec/host/thread_workspace.hpp>
#include <midtrain/problem/attention.hpp>

namespace midtrain::inline MT_ABI::detail {

/// to = factor * from, `n` values.
template <class From, class C, class To>
void take_values(From const* from, index_t n, C factor, To* to) {
    solo_team{}.each(n, [=](index_t i) { to[i] = To(C(from[i]) * factor); });
}

/// A head's rows in the type they are computed in, `stride` values from one token to the next.
template <class C>
struct token_rows {
    C const* first;
    index_t  stride;

    C const* operator()(index_t t) const { return first + t * stride; }

    /// Those of a sequence that begins at row `base`: where they lie if that is their type and `in_place`, else in `copy`, which has tokens from .. last-1.
    template <class T>
    static token_rows of(bool in_place, matrix_view<T const> x, index_t base, index_t column, index_t size, index_t from, index_t last, C* copy) {
        if constexpr (std::is_same_v<T, C>)
            if (in_place) return {&x(base, column), x.stride};
        for (index_t t = from; t < last; ++t) take_values(&x(base + t, column), size, C(1), copy + t * size);
        return {copy, size};
    }
};

/// Keys and values for products, by (sequence, kv head): keys transposed for scores and, for backward, values; what products take by rows, values forward and
/// keys backward, as token_rows.
template <class T, class Problem>
class attention_panels {
    using C                    = computed_t<T>;
    static constexpr index_t run = 16;  // tokens of a task

  public:
    C *     key_t, *value_t;
    index_t columns;  ///< of a transposed panel: 16 more than tiles need, since rows a power of two apart share a set of the cache

    /// each_task(n, values, f) calls f(bytes of a register, k, -) for k in 0 .. n-1, on any threads.
    template <class EachTask>
    attention_panels(Problem const& p, bool backward, EachTask const& each_task) : columns(attention_ranges::padded(p.length) + 16), backward_(backward) {
        index_t const n = p.sequences * p.kv_heads, runs = columns / run;
        key_t   = thread_workspace<attention_panels, C>(0, columns * p.head_size * n * p.distance.key_forms());
        value_t = thread_workspace<attention_panels, C>(1, backward ? columns * p.values() * n : 0);
        copies_ = thread_workspace<attention_panels, C>(2, in_place(p) ? 0 : p.length * row_size(p) * n);
        each_task(n * runs, 0, [&](auto bytes, index_t k, C*) { fill<bytes>(p, k / runs, k % runs * run); });
    }

    /// Whether rows stay where they are: a copy is denser, which pays where many tiles read it.
    static bool in_place(Problem const& p) { return std::is_same_v<T, C> && p.length <= 4 * attention_ranges::tile; }

    /// Those of sequence and head k.
    token_rows<C> rows(Problem const& p, index_t k) const { return rows(p, k, 0, 0); }

  private:
    index_t       row_size(Problem const& p) const { return backward_ ? p.head_size : p.values(); }
    token_rows<C> rows(Problem const& p, index_t k, index_t from, index_t last) const {
        index_t const size = row_size(p), kv = k % p.kv_heads, column = backward_ ? p.key_column(kv) : p.value_column(kv);
        return token_rows<C>::of(in_place(p), p.qkv, k / p.kv_heads * p.length, column, size, from, last, copies_ + k * p.length * size);
    }
    template <int bytes>
    void fill(Problem const& p, index_t k, index_t first) const {
        index_t const s = k / p.kv_heads, kv = k % p.kv_heads, d = p.head_size, dv = p.values(), known = std::clamp(p.length, first, first + run);
        for (int form = 0; form < p.distance.key_forms(); ++form)
            transpose<bytes>(p, s, first, known, p.key_column(kv, form), d, key_t + (k * p.distance.key_forms() + form) * columns * d);
        if (backward_) transpose<bytes>(p, s, first, known, p.value_column(kv), dv, value_t + k * columns * dv);
        rows(p, k, first, known);  // copies them, unless they stay in place
    }
    // A run's tokens first .. known-1, and zeros for the rest of it: from `size` columns beside each other to as many rows.
    template <int bytes>
    void transpose(Problem const& p, index_t s, index_t first, index_t known, index_t column, index_t size, C* to) const {
        constexpr int square = bytes / sizeof(C);
        index_t const whole  = known == first + run ? size / square * square : 0;
        for (index_t i = 0; i < whole; i += square)
            for (index_t t = first; t < known; t += square) {
                lanes_t<C, square> v[square];
                MT_UNROLL(16)
                for (int x = 0; x < square; ++x) load_lanes<square>(&p.qkv(s * p.length + t + x, column + i), v[x]);
                transpose_lanes(v);
                MT_UNROLL(16)
                for (int x = 0; x < square; ++x) store_lanes<square, C>(v[x], to + (i + x) * columns + t);
            }
        for (index_t i = whole; i < size; ++i)
            for (index_t t = first; t < first + run; ++t) to[i * columns + t] = t < known ? C(p.qkv(s * p.length + t, column + i)) : C(0);
    }

    C*   copies_;
    bool backward_;
};

}  // namespace midtrain::inline MT_ABI::detail
