#pragma once
#include <algorithm>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/small_product.hpp>
#include <midtrain/exec/host/thread_pool.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

/// The product that serves without any library: blocks of c by task, b packed 16 columns wide, a packed by rows.
template <class A, class B, class C>
class blocked_gemm {
    using W                           = computed_t<C>;
    static constexpr index_t height = 96, width = 256, depth = 256;

  public:
    static void run(thread_pool& pool, gemm_problem<A, B, C> const& p) {
        index_t const down = (p.c.rows + height - 1) / height, across = (p.c.columns + width - 1) / width;
        auto task = [&](int t) {
            thread_local std::vector<W> a(height * depth), b(depth * width), c(height * width);
            for (index_t k = t; k < down * across; k += pool.size())
                block(p, k / across * height, k % across * width, a.data(), b.data(), c.data());
        };
        pool.run(task);
    }

  private:
    static void block(gemm_problem<A, B, C> const& p, index_t row, index_t column, W* a, W* b, W* c) {
        index_t const m = std::min(height, p.c.rows - row), n = std::min(width, p.c.columns - column);
        index_t const wide = (n + 15) / 16 * 16, inner = p.inner();
        for (index_t i = 0; i < m; ++i)
            for (index_t j = 0; j < wide; ++j) c[i * width + j] = p.accumulate && j < n ? W(p.c(row + i, column + j)) : W(0);
        for (index_t k = 0; k < inner; k += depth) {
            index_t const d = std::min(depth, inner - k);
            pack_a(p, row, m, k, d, a);
            pack_b(p, column, n, wide, k, d, b);
            small_product<W>(m, wide, d, a, depth, 1, b, width, c, width, true);
        }
        for (index_t i = 0; i < m; ++i)
            for (index_t j = 0; j < n; ++j) p.c(row + i, column + j) = C(c[i * width + j]);
    }
    static void pack_a(gemm_problem<A, B, C> const& p, index_t row, index_t m, index_t k, index_t d, W* a) {
        if (p.a_is == operand::plain)
            for (index_t i = 0; i < m; ++i)
                for (index_t x = 0; x < d; ++x) a[i * depth + x] = W(p.a(row + i, k + x));
        else
            for (index_t x = 0; x < d; ++x)
                for (index_t i = 0; i < m; ++i) a[i * depth + x] = W(p.a(k + x, row + i));
    }
    static void pack_b(gemm_problem<A, B, C> const& p, index_t column, index_t n, index_t wide, index_t k, index_t d, W* b) {
        if (p.b_is == operand::plain)
            for (index_t x = 0; x < d; ++x)
                for (index_t j = 0; j < n; ++j) b[x * width + j] = W(p.b(k + x, column + j));
        else
            for (index_t j = 0; j < n; ++j)
                for (index_t x = 0; x < d; ++x) b[x * width + j] = W(p.b(column + j, k + x));
        for (index_t x = 0; x < d; ++x)
            for (index_t j = n; j < wide; ++j) b[x * width + j] = W(0);
    }
};

}  // namespace midtrain::inline MT_ABI::detail
