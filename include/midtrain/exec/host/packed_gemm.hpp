#pragma once
#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <midtrain/core/bf16.hpp>
#include <midtrain/exec/host/thread_workspace.hpp>
#include <midtrain/exec/host/tile_place.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

/// A product by tiles of c. Each thread has a rectangle of c. Of b it packs a block, about `depth` terms of as many columns as its second cache keeps, in
/// strips as wide as a tile; of a the rows of a tile, which stay in the first; then one tile of c after the other lies in registers for these terms
/// (Goto and van de Geijn 2008; Van Zee and van de Geijn 2015). Tiles say how much that is, how operands are packed and how a tile is multiplied.
template <class Tiles, class A, class B, class C>
class packed_gemm {
    using W = computed_t<C>;
    using P = typename Tiles::packed;

  public:
    MT_INLINE static void run(int thread, int threads, gemm_problem<A, B, C> const& p) {
        constexpr index_t rows = Tiles::rows, width = Tiles::width, unit = Tiles::unit;
        auto const [down, beside] = grid(threads, p.c.rows, p.c.columns);
        auto const r = share(p.c.rows, rows, thread / beside, down), c = share(p.c.columns, width, thread % beside, beside);
        if (thread >= down * beside || r.n <= 0 || c.n <= 0) return;
        index_t const inner = p.inner(), parts = std::max<index_t>(1, (inner + Tiles::depth / 2 - 1) / Tiles::depth);  // of a depth, give or take half
        index_t const each   = std::max(unit, ((inner + parts - 1) / parts + unit - 1) / unit * unit);
        index_t const across = std::min((c.n + width - 1) / width * width, Tiles::block / each / width * width), for_b = (each * across + 63) / 64 * 64;
        bool const    apart = parts > 1 && !std::is_same_v<C, W>;
        P *const b = thread_workspace<packed_gemm, P>(0, for_b + each * rows + 64), *const a = b + for_b;
        W* const sums = apart ? thread_workspace<packed_gemm, W>(1, r.n * across) : nullptr;
        bool const    past_caches = parts == 1 && !p.accumulate && goes_past_caches(p.c);
        index_t const strips = (c.n + width - 1) / width, blocks = (c.n + across - 1) / across;
        for (index_t block = 0; block < blocks; ++block) {
            index_t const j = c.first + strips * block / blocks * width, n = std::min(c.n, strips * (block + 1) / blocks * width) - (j - c.first);
            for (index_t part = 0; part < parts; ++part) {
                index_t const k = part * each, have = std::min(each, inner - k), d = (have + unit - 1) / unit * unit;
                bool const    first = part == 0, last = part + 1 == parts;
                Tiles::pack_b(p, k, have, j, n, b);
                for (index_t i = r.first; i < r.first + r.n; i += rows) {
                    index_t const m = std::min<index_t>(rows, r.first + r.n - i);
                    auto const    rows_of_a = Tiles::left(p, i, m, k, have, a);
                    for (index_t s = 0; s < n; s += width)
                        Tiles::multiply(d, rows_of_a, b + s * d, m, std::min<index_t>(width, n - s),
                                        tile_place<C, W>{.to = &p.c(i, j + s), .stride = p.c.stride, .waiting = apart ? sums + (i - r.first) * across + s : nullptr,
                                                         .waiting_stride = across, .add_waiting = apart && !first, .leave_waiting = apart && !last,
                                                         .add = p.accumulate || (!apart && !first), .past_caches = past_caches});
                }
            }
        }
        if constexpr (requires { Tiles::streamed(); })
            if (past_caches) Tiles::streamed();
    }

  private:
    // Gradients of weights and logits of many rows, which are read when all of them are there; what fits in the caches may be read before.
    static bool goes_past_caches(matrix_view<C> c) {
        return std::is_same_v<C, float> && c.rows * c.columns >= 1 << 20 && c.stride % 16 == 0 && reinterpret_cast<std::uintptr_t>(c.data) % 64 == 0;
    }
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
};

}  // namespace midtrain::inline MT_ABI::detail
