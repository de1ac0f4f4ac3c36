#pragma once
#include <midtrain/exec/cuda/op/grouped_tiles.hpp>
#include <midtrain/exec/cuda/op/tile_product.hpp>
#include <midtrain/problem/grouped_gemm.hpp>

// Products of rows that are cut into groups, by the blocks of a GPU: each does tile after tile, as many tiles apart as there are blocks.
namespace midtrain::inline MT_ABI::detail {

/// What the values of both operands are to be multiplied by: one number, and one or one a group; or nothing.
struct group_scales {
    float const* a      = nullptr;
    float const* b      = nullptr;
    index_t      stride = 0;  // of b's from group to group

    template <class W>
    MT_HOST_DEVICE W of(index_t group) const {
        return a ? W(*a) * W(b[group * stride]) : W(1);
    }
};

/// c(r) = a(r) op(b_g), by one block.
template <class Math, bool b_transposed, class C>
struct grouped_gemm_block {
    using T       = typename Math::value;
    using product = tile_product<Math, true, b_transposed>;

    grouped_gemm_problem<T, T, C> p;
    group_scales                  scales{};

    index_t across() const { return (p.c.columns + Math::columns - 1) / Math::columns; }
    /// Blocks that find a tile, at most.
    index_t tiles() const { return grouped_tile_walk::most(p.a.rows, p.groups(), Math::rows, across()); }

    template <class Warp>
    MT_HOST_DEVICE void operator()(Warp const& warp, T* memory, index_t block, index_t blocks) const {
        index_t const     across = (p.c.columns + Math::columns - 1) / Math::columns;
        grouped_tile_walk walk(p.begin, Math::rows, across);
        grouped_tile      at;
        for (index_t t = block; walk.find(t, at); t += blocks) {
            index_t const column = at.column_tile * Math::columns, left = p.c.columns - column;
            index_t const columns = left < Math::columns ? left : Math::columns;
            T const*      matrix  = p.b.data + at.group * p.matrix_rows() * p.b.stride;
            matrix += b_transposed ? column * p.b.stride : column;
            typename Math::template sums<Warp> sums;
            product{{p.a.data + at.first * p.a.stride, p.a.stride, at.rows}, {matrix, p.b.stride, columns}, p.a.columns}.run(warp, memory,
                                                                                                                             sums);
            auto const c  = p.c;
            auto const by = scales.of<typename Math::sum>(at.group);
            Math::each(warp, sums, [&]<int n>(int i, int j, pack<typename Math::sum, n> const& v) {
                if (i >= at.rows || j >= columns) return;
                pack<C, n> out;
                for (int x = 0; x < n; ++x) out[x] = C(v[x] * by);
                store_pack(out, &c(at.first + i, column + j));
            });
        }
    }
};

/// c_g += a_g^T b_g, by one block. Rows are added in order, so a sum does not depend on how many blocks there are.
template <class Math, class C>
struct grouped_outer_block {
    using T       = typename Math::value;
    using product = tile_product<Math, false, false>;

    grouped_outer_problem<T, T, C> p;
    group_scales                   scales{};

    index_t tiles() const { return p.groups() * down() * across(); }

    template <class Warp>
    MT_HOST_DEVICE void operator()(Warp const& warp, T* memory, index_t block, index_t blocks) const {
        for (index_t t = block; t < p.groups() * down() * across(); t += blocks) {
            index_t const group = t / (down() * across()), begin = p.begin[group], n = p.begin[group + 1] - begin;
            if (n <= 0) continue;
            index_t const row = t % down() * Math::rows, column = t / down() % across() * Math::columns;
            index_t const rows    = p.a.columns - row < Math::rows ? p.a.columns - row : Math::rows;
            index_t const columns = p.b.columns - column < Math::columns ? p.b.columns - column : Math::columns;
            typename Math::template sums<Warp> sums;
            product{
                {p.a.data + begin * p.a.stride + row, p.a.stride, rows}, {p.b.data + begin * p.b.stride + column, p.b.stride, columns}, n}
                .run(warp, memory, sums);
            auto const    c     = p.c;
            auto const    by    = scales.of<typename Math::sum>(group);
            index_t const first = group * p.a.columns + row;
            Math::each(warp, sums, [&]<int n>(int i, int j, pack<typename Math::sum, n> const& v) {
                if (i >= rows || j >= columns) return;
                auto const to  = &c(first + i, column + j);
                auto       out = load_pack<n>(to);
                for (int x = 0; x < n; ++x) out[x] = C(typename Math::sum(out[x]) + v[x] * by);
                store_pack(out, to);
            });
        }
    }

  private:
    MT_HOST_DEVICE index_t down() const { return (p.a.columns + Math::rows - 1) / Math::rows; }
    MT_HOST_DEVICE index_t across() const { return (p.b.columns + Math::columns - 1) / Math::columns; }
};

}  // namespace midtrain::inline MT_ABI::detail
