#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/pack.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/op/sum_of_parts.hpp>

// Sums over the rows of a matrix, as gradients of gains and biases are: in two steps, so that many teams have work and the order of the sum
// is always the same. First each of `row_parts(rows)` runs of rows becomes one row, by tiles of 256 columns; then those are added in
// sum_of_parts' order. The least time is that of reading the matrices once; the parts are at most a sixteenth of them, or 128 rows.
namespace midtrain::inline MT_ABI::op {

MT_HOST_DEVICE constexpr index_t rows_of_part(index_t rows) { return rows <= 128 * 32 ? 32 : (rows + 127) / 128; }
MT_HOST_DEVICE constexpr index_t row_parts(index_t rows) { return (rows + rows_of_part(rows) - 1) / rows_of_part(rows); }

/// A Term says what is summed over its `rows` rows for each of its `columns` columns:
///   using stored; static constexpr int sums            how many sums a column has
///   template <int w> bool packs() const                whether w columns from a multiple of w on may be loaded as packs
///   template <int w> add(r, c, totals) const           adds what row r has in columns c .. c + w - 1 to the w totals of each sum
template <class Term>
struct sum_rows {
    using C = computed_t<typename Term::stored>;

    static constexpr index_t row_values = 256;  ///< columns of a team

    Term           term;
    matrix_view<C> parts;  // (row_parts(rows), sums * columns)

    index_t                teams() const { return parts.rows * tiles(); }
    MT_HOST_DEVICE index_t tiles() const { return (term.columns + row_values - 1) / row_values; }

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t at) const {
        constexpr int w     = 16 / sizeof(typename Term::stored);
        index_t const part = static_cast<unsigned>(at) / static_cast<unsigned>(tiles()), first = (at - part * tiles()) * row_values, left = term.columns - first, n = left < row_values ? left : row_values;
        if (n % w == 0 && term.template packs<w>() && aligned_for_packs<w>(parts.data, parts.data + term.columns)) columns<w>(team, part, first, n / w);
        else columns<1>(team, part, first, n);
    }

  private:
    template <int w, class Team>
    MT_HOST_DEVICE void columns(Team const& team, index_t part, index_t first, index_t n) const {
        auto const    t     = term;
        auto const    to    = parts.row(part).data;
        index_t const each  = rows_of_part(t.rows), begin = part * each, end = begin + each < t.rows ? begin + each : t.rows;
        team.each(n, [=](index_t i) {
            pack<C, w> totals[Term::sums]{};
            MT_UNROLL(4)
            for (index_t r = begin; r < end; ++r) t.template add<w>(r, first + i * w, totals);
            for (int s = 0; s < Term::sums; ++s) store_values(totals[s], to + s * t.columns + first + i * w);
        });
    }
};

/// gradient += sum over rows, of each sum of the term. parts: as sum_rows wants them, workspace.
template <class Device, class Term, class... Gradient>
void add_column_sums(Device& device, Term const& term, matrix_view<computed_t<typename Term::stored>> parts, Gradient... gradients) {
    using C = computed_t<typename Term::stored>;
    static_assert(sizeof...(gradients) == Term::sums, "midtrain: a gradient for each sum of the term");
    sum_rows<Term> const first{term, parts};
    device.rows(first.teams(), first);
    index_t sum = 0;
    ((device.rows(sum_of_parts<C>::teams(term.columns),
                  sum_of_parts<C>{{parts.data, parts.size()}, parts.columns, sum * term.columns, gradients}), ++sum),
     ...);
}

/// The sum of dy: the gradient of a bias.
template <class T>
struct bias_sums {
    using stored              = T;
    static constexpr int sums = 1;

    matrix_view<T const> dy;  // (rows, columns)
    index_t              rows = dy.rows, columns = dy.columns;

    template <int w>
    MT_HOST_DEVICE bool packs() const {
        return aligned_for_packs<w>(dy.data, dy.data + dy.stride);
    }
    template <int w>
    MT_HOST_DEVICE MT_INLINE void add(index_t r, index_t c, pack<computed_t<T>, w>* totals) const {
        auto const d = load_values<w>(&dy(r, c));
        for (int k = 0; k < w; ++k) totals[0][k] += d[k];
    }
};

}  // namespace midtrain::inline MT_ABI::op
