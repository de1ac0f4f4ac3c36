#pragma once
#include <cstdint>
#include <midtrain/core/pack.hpp>
#include <midtrain/op/fp8_scale.hpp>
#include <midtrain/problem/fp8_gemm.hpp>

// Values by their tile's scale as bytes, with those side by side that a product sums over: x as it lies, or turned. Sizes are multiples of
// 16, and rows of x begin at multiples of 16 bytes. Turned, neighbours of a row are read by neighbours of a team, and 16 of a column
// written at once.
namespace midtrain::inline MT_ABI::op {

/// x(r, c) goes to row r, or turned to row c.
template <class T, class F>
struct fp8_writer {
    matrix_view<T const> x;
    fp8_matrix<F>        to;
    bool                 turned;

    /// 16 bytes: x(r, c ..) or turned x(r .., c).
    MT_HOST_DEVICE void write(index_t r, index_t c, float scale) const {
        pack<F, 16> out;
        if (turned) {
            for (int k = 0; k < 16; ++k) out[k] = F(float(x(r + k, c)) / scale);
            store_pack(out, &to.values(c, r));
        } else {
            auto const in = load_values<16>(&x(r, c));
            for (int k = 0; k < 16; ++k) out[k] = F(float(in[k]) / scale);
            store_pack(out, &to.values(r, c));
        }
    }
    /// The same of x's rows r .. r + height - 1 and columns c .. c + width - 1.
    template <class Team>
    MT_HOST_DEVICE void write(Team const& team, index_t r, index_t height, index_t c, index_t width, float scale) const {
        auto const    self   = *this;
        index_t const across = turned ? width : width / 16, down = turned ? height / 16 : height;
        index_t const high = turned ? 16 : 1, wide = turned ? 1 : 16;
        team.each(down * across, [=](index_t i) { self.write(r + i / across * high, c + i % across * wide, scale); });
    }
};

/// By one scale, which is known. 32 rows by 128 columns a team.
template <class T, class F>
struct fp8_bytes_of_whole {
    static constexpr index_t row_values = 1024;

    fp8_writer<T, F> w;

    index_t teams() const { return (w.x.rows + 31) / 32 * across(); }

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        index_t const r = t / across() * 32, c = t % across() * fp8_tile, down = w.x.rows - r, left = w.x.columns - c;
        w.write(team, r, down < 32 ? down : 32, c, left < fp8_tile ? left : fp8_tile, w.to.scales.data[0]);
    }

  private:
    MT_HOST_DEVICE index_t across() const { return (w.x.columns + fp8_tile - 1) / fp8_tile; }
};

/// Squares of 128 x 128, and their scales. One square a team.
template <class T, class F>
struct fp8_bytes_of_squares {
    static constexpr index_t row_values = 4096;

    fp8_writer<T, F> w;
    bool             powers_of_two;

    index_t teams() const { return fp8_matrix<F>::tiles(w.x.rows) * fp8_matrix<F>::tiles(w.x.columns); }

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const    x      = w.x;
        index_t const across = fp8_matrix<F>::tiles(x.columns), r = t / across * fp8_tile, c = t % across * fp8_tile;
        index_t const height = x.rows - r < fp8_tile ? x.rows - r : fp8_tile, width = x.columns - c < fp8_tile ? x.columns - c : fp8_tile;
        std::uint32_t const most =
            team.reduce(height * width, largest_bits{}, [=](index_t i) { return size_bits(float(x(r + i / width, c + i % width))); });
        float const s = fp8_scale(most, F::largest(), powers_of_two);
        if (team.leads()) (w.turned ? w.to.scale(c, r) : w.to.scale(r, c)) = s;
        w.write(team, r, height, c, width, s);
    }
};

/// Runs of 128 along a row of x, and their scales. One run a team.
template <class T, class F>
struct fp8_bytes_of_runs {
    static constexpr index_t row_values = fp8_tile;

    fp8_writer<T, F> w;
    bool             powers_of_two;

    index_t teams() const { return w.x.rows * fp8_matrix<F>::tiles(w.x.columns); }

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        index_t const across = fp8_matrix<F>::tiles(w.x.columns), r = t / across, c = t % across * fp8_tile, left = w.x.columns - c;
        index_t const width = left < fp8_tile ? left : fp8_tile;
        auto const    in    = &w.x(r, c);
        float const   s =
            fp8_scale(team.reduce(width, largest_bits{}, [=](index_t i) { return size_bits(float(in[i])); }), F::largest(), powers_of_two);
        if (team.leads()) w.to.scale(r, c) = s;
        w.write(team, r, 1, c, width, s);
    }
};

/// Runs of 128 down a column of x, turned, and their scales. 32 columns a team.
template <class T, class F>
struct fp8_bytes_of_columns {
    static constexpr index_t row_values = 32;

    fp8_writer<T, F> w;
    bool             powers_of_two;

    index_t teams() const { return fp8_matrix<F>::tiles(w.x.rows) * across(); }

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const    self  = *this;
        index_t const first = t / across() * fp8_tile, c = t % across() * 32, down = w.x.rows - first, left = w.x.columns - c;
        index_t const last  = first + (down < fp8_tile ? down : fp8_tile);
        team.each(left < 32 ? left : 32, [=](index_t i) {
            std::uint32_t most = 0;
            for (index_t r = first; r < last; ++r) most = largest_bits::combine(most, size_bits(float(self.w.x(r, c + i))));
            float const s = fp8_scale(most, F::largest(), self.powers_of_two);
            self.w.to.scale(c + i, first) = s;
            for (index_t r = first; r < last; r += 16) self.w.write(r, c + i, s);
        });
    }

  private:
    MT_HOST_DEVICE index_t across() const { return (w.x.columns + 31) / 32; }
};

/// The reference: one value of c each.
template <class A, class B, class C>
struct fp8_product {
    fp8_gemm_problem<A, B, C> p;

    MT_HOST_DEVICE void operator()(index_t at) const {
        index_t const i = at / p.c.columns, j = at % p.c.columns, inner = p.a.values.columns;
        float         total = p.accumulate ? float(p.c(i, j)) : 0;
        for (index_t k = 0; k < inner; k += fp8_tile) {
            float sum = 0;
            for (index_t x = k; x < inner && x < k + fp8_tile; ++x) sum += float(p.a.values(i, x)) * float(p.b.values(j, x));
            total += sum * (p.a.scale(i, k) * p.b.scale(j, k));
        }
        p.c(i, j) = C(total);
    }
};

}  // namespace midtrain::inline MT_ABI::op

namespace midtrain::inline MT_ABI {

template <class Device, class A, class B, class C>
void plain(Device& device, fp8_gemm_problem<A, B, C> const& p) {
    device.elements(p.c.size(), op::fp8_product<A, B, C>{p});
}

}  // namespace midtrain::inline MT_ABI
