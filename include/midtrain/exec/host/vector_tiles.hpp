#pragma once
#include <algorithm>
#include <type_traits>
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
    using M                   = lanes_in_memory<W, size>;

  public:
    using packed                       = W;                                      // what operands are packed as
    static constexpr int     registers = bytes == 64 ? 3 : 2;                    // of a row of a tile of c
    static constexpr int     width     = registers * size;                       // of a strip of b, and of a tile
    static constexpr int     rows      = bytes == 64 ? 9 : bytes == 32 ? 6 : 4;  // of a tile: its sums, a row of b and a value of a are as many as there are
    static constexpr index_t depth     = 256;                                    // terms of a part of the product
    static constexpr index_t unit      = 1;                                      // terms are packed in multiples of it
    static constexpr index_t block     = 256 * 768;                              // values of a block of b

    /// The rows of a tile: as they lie in memory, `apart` values from one to the next, or packed: first[x * rows + i].
    struct left_rows {
        W const* first;
        index_t  apart = 0;
    };

    /// Floats whose terms are beside each other stay where they are. Registers store a little beyond their row, which is written after.
    MT_INLINE static left_rows left(gemm_problem<A, B, C> const& p, index_t row, index_t m, index_t k, index_t d, W* MT_RESTRICT a) {
        bool const plain = p.a_is == operand::plain;
        if constexpr (std::is_same_v<A, W>)
            if (plain) return {&p.a(row, k), p.a.stride};
        constexpr int last = (rows - 1) / size * size;  // where a row's last register begins
        static_assert(last == 0 || std::is_same_v<A, W>);
        index_t x = 0;
        if (plain && m == rows) {
            A const* const from = &p.a(row, k);
            for (; x + size <= d; x += size) {
                V v[size];
                for (int i = 0; i < size; ++i) load_lanes<size>(from + std::min<index_t>(i, rows - 1) * p.a.stride + x, v[i]);
                transpose_lanes(v);
                for (int i = 0; i < size; ++i) *reinterpret_cast<M*>(a + (x + i) * rows) = v[i];
            }
        } else if (!plain && row + last + size <= p.a.columns) {
            A const* const from = &p.a(k, row);
            for (; x < d; ++x)
                for (int i = 0; i <= last; i += size) copy(from + x * p.a.stride + i, a + x * rows + i);
        }
        for (; x < d; ++x)
            for (index_t i = 0; i < rows; ++i) a[x * rows + i] = i < m ? W(plain ? p.a(row + i, k + x) : p.a(k + x, row + i)) : W(0);
        return {a};
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
                        for (int i = 0; i < size; ++i) *reinterpret_cast<M*>(to + i * width) = v[i];
                    } else {
                        for (index_t x = 0; x < deep; ++x)
                            for (index_t j = 0; j < size; ++j)
                                to[x * width + j] = j < have ? W(plain ? p.b(k + first + x, column + s + g + j) : p.b(column + s + g + j, k + first + x)) : W(0);
                    }
                }
    }

    /// One tile of c for `d` terms.
    MT_INLINE static void multiply(index_t d, left_rows const& a, W const* MT_RESTRICT b, index_t m, index_t n, tile_place<C, W> const& c) {
        V sum[rows][registers];
        c.template prefetch<width>(m, 0);
        if (a.apart == 0) {
            add_products(d, b, sum, [&](int i, index_t x) { return a.first[x * rows + i]; });
        } else {
            W const* row[rows];
            MT_UNROLL(16)
            for (int i = 0; i < rows; ++i) row[i] = a.first + std::min<index_t>(i, m - 1) * a.apart;
            add_products(d, b, sum, [&](int i, index_t x) { return row[i][x]; });
        }
        if (m == rows && n == width) {
            MT_UNROLL(16)
            for (int i = 0; i < rows; ++i)
                MT_UNROLL(4)
                for (int j = 0; j < registers; ++j) c.template take<size>(i, j * size, sum[i][j]);
            return;
        }
        alignas(64) W edge[rows][width];
        for (int i = 0; i < rows; ++i)
            for (int j = 0; j < registers; ++j) *reinterpret_cast<M*>(&edge[i][j * size]) = sum[i][j];
        c.take_part(m, n, &edge[0][0], width);
    }

  private:
    static constexpr index_t ahead = 16;  // rows of b that are fetched before their turn

    /// sums = a strip of b times left(row, term).
    template <class Left>
    MT_INLINE static void add_products(index_t d, W const* MT_RESTRICT b, V (&sum)[rows][registers], Left const& left) {
        MT_UNROLL(16)
        for (int i = 0; i < rows; ++i)
            MT_UNROLL(4)
            for (int j = 0; j < registers; ++j) sum[i][j] = V{};
        for (index_t x = 0; x < d; ++x, b += width) {
            V right[registers];
            MT_UNROLL(4)
            for (int j = 0; j < registers; ++j) {
                __builtin_prefetch(b + ahead * width + j * size);
                right[j] = *reinterpret_cast<M const*>(b + j * size);
            }
            MT_UNROLL(16)
            for (int i = 0; i < rows; ++i) {
                W const s = left(i, x);
                MT_UNROLL(4)
                for (int j = 0; j < registers; ++j) sum[i][j] += s * right[j];
            }
        }
    }

    template <class T>
    MT_INLINE static void copy(T const* from, W* to) {
        V v;
        load_lanes<size>(from, v);
        *reinterpret_cast<M*>(to) = v;
    }
};

}  // namespace midtrain::inline MT_ABI::detail
