#pragma once
#include <algorithm>
#include <type_traits>
#include <utility>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/buffer.hpp>
#include <midtrain/exec/host/lanes.hpp>
#include <midtrain/exec/host/thread_pool.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

/// Products computed in float (double for double) whatever is stored: values are widened where they are packed. Each thread has a rectangle of
/// c. Of b it packs `depth` rows and `across` columns, which stay in its second cache, in strips two registers wide; of a `rows` rows, which
/// stay in the first; then one tile of c after the other lies in registers for `depth` terms (Goto and van de Geijn 2008; Van Zee and van de Geijn 2015).
template <class A, class B, class C, int bytes>
class packed_gemm {
    using W                         = computed_t<C>;
    static constexpr int     size   = bytes / sizeof(W);  // of a register
    static constexpr int     width  = 2 * size;           // of a strip of b
    static constexpr int     rows   = bytes == 64 ? 14 : bytes == 32 ? 6 : 4;  // 2 rows + 3 registers: as many as there are
    static constexpr index_t depth  = 256;
    static constexpr index_t across = 768;
    static constexpr index_t ahead  = 16;   // rows of b that are fetched before their turn
    using V                         = lanes_t<W, size>;

  public:
    MT_INLINE static void run(int thread, int threads, gemm_problem<A, B, C> const& p) {
        auto const [down, beside] = grid(threads, p.c.rows, p.c.columns);
        auto const r = share(p.c.rows, rows, thread / beside, down), c = share(p.c.columns, width, thread % beside, beside);
        if (thread >= down * beside || r.n <= 0 || c.n <= 0) return;
        thread_local host_buffer<W> work;
        index_t const inner = p.inner(), parts = std::max<index_t>(1, (inner + depth - 1) / depth), each = (inner + parts - 1) / parts;
        bool const    apart = parts > 1 && !std::is_same_v<C, W>;  // sums wait in float for the last part
        index_t const for_b = (each * across + 63) / 64 * 64, for_a = (each * rows + size + 63) / 64 * 64, need = for_b + for_a + (apart ? r.n * across : 0);
        if (work.size() < need) work = {}, work = host_buffer<W>(need);
        W *const b = work.view().data, *const a = b + for_b, *const sums = a + for_a;
        index_t const strips = (c.n + width - 1) / width, blocks = (c.n + across - 1) / across;
        for (index_t block = 0; block < blocks; ++block) {
            index_t const j = c.first + strips * block / blocks * width, n = std::min(c.n, strips * (block + 1) / blocks * width) - (j - c.first);
            for (index_t part = 0; part < parts; ++part) {
                index_t const k = part * each, d = std::min(each, inner - k);
                pack_b(p, k, d, j, n, b);
                for (index_t i = r.first; i < r.first + r.n; i += rows) {
                    index_t const m = std::min<index_t>(rows, r.first + r.n - i);
                    pack_a(p, i, m, k, d, a);
                    W* const waiting = apart ? sums + (i - r.first) * across : nullptr;
                    for (index_t s = 0; s < n; s += width)
                        tile(p, d, a, b + s * d, i, m, j + s, std::min<index_t>(width, n - s), part, parts, waiting ? waiting + s : nullptr);
                }
            }
        }
    }

  private:
    struct range {
        index_t first, n;
    };
    /// What is packed twice is least where each thread's rectangle is most like a square.
    static std::pair<int, int> grid(int threads, index_t m, index_t n) {
        int best = 1;
        for (int down = 1; down <= threads; ++down)
            if (threads % down == 0 && threads / down * m + down * n < threads / best * m + best * n) best = down;
        return {best, threads / best};
    }
    static range share(index_t extent, index_t unit, int which, int of) {
        index_t const units = (extent + unit - 1) / unit, first = std::min(extent, units * which / of * unit);
        return {first, std::min(extent, units * (which + 1) / of * unit) - first};
    }

    // a[x * rows + i]. Registers store a little beyond their row, which is written after: rows from the last register's on come first.
    MT_INLINE static void pack_a(gemm_problem<A, B, C> const& p, index_t row, index_t m, index_t k, index_t d, W* MT_RESTRICT a) {
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
                for (; x < d; ++x) load_lanes<size>(from + x * p.a.stride, *reinterpret_cast<V*>(a + x * rows + g));
            }
            for (; x < d; ++x)
                for (index_t i = 0; i < wide; ++i) a[x * rows + g + i] = i < have ? W(plain ? p.a(row + g + i, k + x) : p.a(k + x, row + g + i)) : W(0);
        }
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
                        for (index_t x = 0; x < deep; ++x) load_lanes<size>(from + x * p.b.stride, *reinterpret_cast<V*>(to + x * width));
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
    MT_INLINE static void tile(gemm_problem<A, B, C> const& p, index_t d, W const* MT_RESTRICT a, W const* MT_RESTRICT b, index_t row, index_t m,
                               index_t column, index_t n, index_t part, index_t parts, W* waiting) {
        V sum[rows][2];
MT_UNROLL(16)
        for (int i = 0; i < rows; ++i) {
            sum[i][0] = sum[i][1] = V{};
            if (i < m) __builtin_prefetch(&p.c(row + i, column), 1), __builtin_prefetch(&p.c(row + i, column) + size, 1);
        }
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
        bool const first = part == 0, last = part + 1 == parts;
        if (m == rows && n == width) {
MT_UNROLL(16)
            for (int i = 0; i < rows; ++i)
MT_UNROLL(2)
                for (int h = 0; h < 2; ++h) {
                    C* const to = &p.c(row + i, column + h * size);
                    V        v  = sum[i][h];
                    if (waiting) {
                        W* const w = waiting + i * across + h * size;
                        if (!first) v += *reinterpret_cast<V const*>(w);
                        if (!last) {
                            *reinterpret_cast<V*>(w) = v;
                            continue;
                        }
                    }
                    if (waiting ? p.accumulate : !first || p.accumulate) {
                        V before;
                        load_lanes<size>(to, before);
                        v += before;
                    }
                    store_lanes<size, W>(v, to);
                }
            return;
        }
        alignas(64) W edge[rows][width];
        for (int i = 0; i < rows; ++i)
            for (int h = 0; h < 2; ++h) *reinterpret_cast<V*>(&edge[i][h * size]) = sum[i][h];
        for (index_t i = 0; i < m; ++i)
            for (index_t j = 0; j < n; ++j) {
                C* const to = &p.c(row + i, column + j);
                W        v  = edge[i][j];
                if (waiting) {
                    W* const w = waiting + i * across + j;
                    if (!first) v += *w;
                    if (!last) {
                        *w = v;
                        continue;
                    }
                    if (p.accumulate) v += W(*to);
                } else if (!first || p.accumulate) v += W(*to);
                *to = C(v);
            }
    }
};

/// On all threads of a pool, with the longest registers that the processor has.
template <class A, class B, class C>
class packed_product {
  public:
    static void run(thread_pool& pool, gemm_problem<A, B, C> const& p) {
        [[maybe_unused]] bool const wide = MT_HAS_WIDE;
        auto                        task = [&](int t) {
            if constexpr (!MT_WIDE_IS_CHOSEN) in_wide<MT_VECTOR_BYTES>(t, pool.size(), p);
            else wide ? in_wide<64>(t, pool.size(), p) : in_all(t, pool.size(), p);
        };
        pool.run(task);
    }

  private:
    template <int bytes>
    MT_WIDE static void in_wide(int thread, int threads, gemm_problem<A, B, C> const& p) {
        packed_gemm<A, B, C, bytes>::run(thread, threads, p);
    }
    static void in_all(int thread, int threads, gemm_problem<A, B, C> const& p) { packed_gemm<A, B, C, MT_VECTOR_BYTES>::run(thread, threads, p); }
};

}  // namespace midtrain::inline MT_ABI::detail
