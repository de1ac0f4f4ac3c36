#pragma once
#include <algorithm>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/lanes.hpp>
#include <midtrain/exec/host/tile_place.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

/// How packed_gemm multiplies with vector registers of `bytes`, in float (double for double) whatever is stored: values are widened where they are packed.
template <class A, class B, class C, int bytes>
class vector_tiles {
    static constexpr int size = bytes / sizeof(computed_t<C>);  // of a register
    using W                   = computed_t<C>;
    using V                   = lanes_t<W, size>;

  public:
    using packed                    = W;         // what operands are packed as
    static constexpr int     width  = 2 * size;  // of a strip of b, and of a tile of c
    static constexpr int     rows   = bytes == 64 ? 14 : bytes == 32 ? 6 : 4;  // of a tile: 2 rows + 3 registers are as many as there are
    static constexpr index_t depth  = 256;       // terms of a part of the product
    static constexpr index_t unit   = 1;         // terms are packed in multiples of it
    static constexpr index_t block  = 256 * 768; // values of a block of b

    // a[x * rows + i]. Registers store a little beyond their row, which is written after: rows from the last register's on come first.
    MT_INLINE static W const* left(gemm_problem<A, B, C> const& p, index_t row, index_t m, index_t k, index_t d, W* MT_RESTRICT a) {
        constexpr int last = (rows - 1) / size * size;
        bool const    plain = p.a_is == operand::plain;
        for (int g = last; g >= 0; g -= size) {
            index_t const wide = std::min<index_t>(size, rows - g), have = std::clamp<index_t>(m - g, 0, wide);
            index_t       x = 0;
            if (plain && have == wide) {
                A const* const from = &p.a(row + g, k);
                for (; x + size <= d; x += size) {
                    V v[size];
                    for (int i = 0; i < size; ++i) load_lanes<size>(from + std::min<index_t>(i, wide - 1) * p.a.stride + x, v[i]);
                    transpose_lanes(v);
                    for (int i = 0; i < size; ++i) *reinterpret_cast<V*>(a + (x + i) * rows + g) = v[i];
                }
            } else if (!plain && row + g + size <= p.a.columns) {
                A const* const from = &p.a(k, row + g);
                for (; x < d; ++x) copy(from + x * p.a.stride, a + x * rows + g);
            }
            for (; x < d; ++x)
                for (index_t i = 0; i < wide; ++i) a[x * rows + g + i] = i < have ? W(plain ? p.a(row + g + i, k + x) : p.a(k + x, row + g + i)) : W(0);
        }
        return a;
    }

    // b[strip][x * width + j]
    MT_INLINE static void pack_b(gemm_problem<A, B, C> const& p, index_t k, index_t d, index_t column, index_t n, W* MT_RESTRICT b) {
        constexpr index_t few = size;  // rows at a time, so that reads and writes both go on where they were
        bool const        plain = p.b_is == operand::plain;
        for (index_t first = 0; first < d; first += few)
            for (index_t s = 0; s < n; s += width)
                for (int g = 0; g < width; g += size) {
                    index_t const deep = std::min(few, d - first), have = std::clamp<index_t>(n - s - g, 0, size);
                    W* const      to   = b + s * d + first * width + g;
                    if (plain && have == size) {
                        B const* const from = &p.b(k + first, column + s + g);
                        for (index_t x = 0; x < deep; ++x) copy(from + x * p.b.stride, to + x * width);
                    } else if (!plain && have == size && deep == few) {
                        B const* const from = &p.b(column + s + g, k + first);
                        V              v[size];
                        for (int i = 0; i < size; ++i) load_lanes<size>(from + i * p.b.stride, v[i]);
                        transpose_lanes(v);
                        for (int i = 0; i < size; ++i) *reinterpret_cast<V*>(to + i * width) = v[i];
                    } else {
                        for (index_t x = 0; x < deep; ++x)
                            for (index_t j = 0; j < size; ++j)
                                to[x * width + j] = j < have ? W(plain ? p.b(k + first + x, column + s + g + j) : p.b(column + s + g + j, k + first + x)) : W(0);
                    }
                }
    }

    /// One tile of c for `d` terms.
    MT_INLINE static void multiply(index_t d, W const* MT_RESTRICT a, W const* MT_RESTRICT b, index_t m, index_t n, tile_place<C, W> const& c) {
        V sum[rows][2];
        MT_UNROLL(16)
        for (int i = 0; i < rows; ++i) sum[i][0] = sum[i][1] = V{};
        c.template prefetch<width>(m, 0);
        for (index_t x = 0; x < d; ++x) {
            __builtin_prefetch(b + (x + ahead) * width), __builtin_prefetch(b + (x + ahead) * width + size);
            V const left = *reinterpret_cast<V const*>(b + x * width), right = *reinterpret_cast<V const*>(b + x * width + size);
            MT_UNROLL(16)
            for (int i = 0; i < rows; ++i) {
                W const s = a[x * rows + i];
                sum[i][0] += s * left;
                sum[i][1] += s * right;
            }
        }
        if (m == rows && n == width) {
            MT_UNROLL(16)
            for (int i = 0; i < rows; ++i) {
                c.template take<size>(i, 0, sum[i][0]);
                c.template take<size>(i, size, sum[i][1]);
            }
            return;
        }
        alignas(64) W edge[rows][width];
        for (int i = 0; i < rows; ++i)
            for (int h = 0; h < 2; ++h) *reinterpret_cast<V*>(&edge[i][h * size]) = sum[i][h];
        c.take_part(m, n, &edge[0][0], width);
    }

  private:
    static constexpr index_t ahead = 16;  // rows of b that are fetched before their turn

    template <class T>
    MT_INLINE static void copy(T const* from, W* to) {
        V v;
        load_lanes<size>(from, v);
        *reinterpret_cast<V*>(to) = v;
    }
};

}  // namespace midtrain::inline MT_ABI::detail
