#pragma once
#include <cstdint>
#include <midtrain/core/fp8.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/op/fp8_scale.hpp>
#include <midtrain/op/column_tile.hpp>
#include <midtrain/problem/fp8_form.hpp>
#include <midtrain/problem/scaled_gemm.hpp>

// Values by their tile's scale, as the eight-bit type F holds them, kept in T so that any product can read them.
namespace midtrain::inline MT_ABI::op {

/// T of F of x / scale.
template <class F, class T>
MT_HOST_DEVICE constexpr T held_in(float x, float scale) {
    return T(float(F(x / scale)));
}

/// Tiles of 2^row_shift x 128 and their scales; matrices of `each` rows stand one under the other, and no tile is in two. One tile a team.
template <class T, class F>
struct quantise_tiles {
    static constexpr index_t row_values = fp8_tile;

    matrix_view<T const> x;     // (matrices * each, columns)
    scaled_matrix<T>     to;
    index_t              each;  // rows
    bool                 powers_of_two;

    static index_t tiles_down(index_t rows, index_t each, int shift) { return rows / each * scaled_matrix<T>::tiles(each, shift); }

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        index_t const across = to.scales.columns, down = scaled_matrix<T>::tiles(each, to.row_shift), height = index_t{1} << to.row_shift;
        index_t const within = t / across % down * height, first = t / across / down * each + within;
        index_t const column = t % across * fp8_tile, n = x.columns - column < fp8_tile ? x.columns - column : fp8_tile;
        index_t const last = first + (each - within < height ? each - within : height);
        std::uint32_t most = 0;
        for (index_t r = first; r < last; ++r) {
            auto const in = &x(r, column);
            most = largest_bits::combine(most, team.reduce(n, largest_bits{}, [=](index_t i) { return size_bits(float(in[i])); }));
        }
        float const s = fp8_scale(most, F::largest(), powers_of_two);
        if (team.leads()) to.scales(t / across, t % across) = s;
        for (index_t r = first; r < last; ++r) {
            auto const in  = &x(r, column);
            auto const out = &to.values(r, column);
            team.each(n, [=](index_t i) { out[i] = held_in<F, T>(float(in[i]), s); });
        }
    }
};

/// Tiles of 128 x 1 and their scales, by group where rows are cut into groups (then as group_tiles says). 32 columns of one height a team.
template <class T, class F>
struct quantise_columns {
    static constexpr index_t row_values = column_tile;

    matrix_view<T const>         x;
    scaled_matrix<T>             to;
    row_view<std::int32_t const> begin;  // (groups + 1), or empty
    bool                         powers_of_two;

    static index_t tiles_down(index_t rows, row_view<std::int32_t const> begin) {
        return begin.size() > 0 ? group_tiles::count(rows, begin.size() - 1) : scaled_matrix<T>::tiles(rows, scaled_matrix<T>::tile);
    }

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t at) const {
        index_t const across = column_tiles(x.columns), tile = at / across, column = at % across * column_tile;
        index_t       first = tile * fp8_tile, end = x.rows;
        if (begin.size() > 0) find_rows(tile, first, end);
        if (first >= end) return;
        index_t const last = end - first < fp8_tile ? end : first + fp8_tile, left = x.columns - column;
        auto const    self = *this;
        team.each(left < column_tile ? left : column_tile, [=](index_t i) {
            std::uint32_t most = 0;
            for (index_t r = first; r < last; ++r) most = largest_bits::combine(most, size_bits(float(self.x(r, column + i))));
            float const s = fp8_scale(most, F::largest(), self.powers_of_two);
            self.to.scales(tile, column + i) = s;
            for (index_t r = first; r < last; ++r) self.to.values(r, column + i) = held_in<F, T>(float(self.x(r, column + i)), s);
        });
    }

  private:
    // The rows from that tile's first to the end of its group; none for a tile that is not used.
    MT_HOST_DEVICE void find_rows(index_t tile, index_t& first, index_t& end) const {
        group_tiles const of{begin};
        index_t           g = 0, above = of.groups();  // first(g) <= tile < first(above)
        while (above - g > 1) {
            index_t const mid = (g + above) / 2;
            (of.first(mid) <= tile ? g : above) = mid;
        }
        first = begin[g] + (tile - of.first(g)) * fp8_tile;
        end   = begin[g + 1];
    }
};

/// The size_bits of the largest value of each row; of rows beyond the last group 0. One row a team.
template <class T>
struct largest_of_rows {
    matrix_view<T const>         x;
    row_view<std::int32_t const> begin;  // (groups + 1), or empty
    row_view<std::uint32_t>      most;   // (rows)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const          in   = x.row(r).data;
        bool const          used = begin.size() == 0 || r < begin[begin.size() - 1];
        std::uint32_t const all  = team.reduce(used ? x.columns : 0, largest_bits{}, [=](index_t i) { return size_bits(float(in[i])); });
        if (team.leads()) most[r] = all;
    }
};

/// From them the scale of each matrix of `each` rows. One matrix a team.
template <class F>
struct scale_of_whole {
    row_view<std::uint32_t const> most;    // (matrices * each)
    matrix_view<float>            scales;  // (matrices, 1)
    index_t                       each;
    bool                          powers_of_two;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t m) const {
        auto const          in  = most.data + m * each;
        std::uint32_t const all = team.reduce(each, largest_bits{}, [=](index_t i) { return in[i]; });
        if (team.leads()) scales(m, 0) = fp8_scale(all, F::largest(), powers_of_two);
    }
};

/// The values of matrices of `each` rows by those. One row a team.
template <class T, class F>
struct quantise_rows {
    matrix_view<T const> x;
    scaled_matrix<T>     to;
    index_t              each;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const  in  = x.row(r).data;
        auto const  out = to.values.row(r).data;
        float const s   = to.scales(r / each, 0);
        team.each(x.columns, [=](index_t i) { out[i] = held_in<F, T>(float(in[i]), s); });
    }
};

}  // namespace midtrain::inline MT_ABI::op
