#pragma once
// Products of floats through a CBLAS. An OpenBLAS with threads may be called by many at once, so each of ours asks it for a share of c, and
// there is one pool. Any other is called once and brings its own threads: an OpenBLAS without threads has no locks either, and two callers
// would now and then share a buffer. Empty unless MIDTRAIN_WITH_CBLAS is defined.
#ifdef MIDTRAIN_WITH_CBLAS
#include <algorithm>
#include <cblas.h>
#include <midtrain/exec/host/thread_pool.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

/// The rows [row, row + m) and columns [column, column + n) of c.
inline void cblas_part(gemm_problem<float, float, float> const& p, index_t row, index_t m, index_t column, index_t n) {
    bool const at = p.a_is == operand::transposed, bt = p.b_is == operand::transposed;
    auto const whole = [](index_t x) { return static_cast<int>(x); };
    auto const a = at ? p.a.data + row : p.a.data + row * p.a.stride, b = bt ? p.b.data + column * p.b.stride : p.b.data + column;
    cblas_sgemm(CblasRowMajor, at ? CblasTrans : CblasNoTrans, bt ? CblasTrans : CblasNoTrans, whole(m), whole(n), whole(p.inner()), 1.0f,
                a, whole(p.a.stride), b, whole(p.b.stride), p.accumulate ? 1.0f : 0.0f, p.c.data + row * p.c.stride + column,
                whole(p.c.stride));
}

/// Whether many threads may call at once; its own threads are then told to rest.
inline bool cblas_is_shared() {
#ifdef OPENBLAS_SEQUENTIAL  // OpenBLAS's cblas.h
    static bool const is = [] {
        bool const threads = openblas_get_parallel() != OPENBLAS_SEQUENTIAL;
        if (threads) openblas_set_num_threads(1);
        return threads;
    }();
    return is;
#else
    return false;
#endif
}

inline void cblas_product(thread_pool& pool, gemm_problem<float, float, float> const& p) {
    if (!cblas_is_shared()) return cblas_part(p, 0, p.c.rows, 0, p.c.columns);
    bool const    by_rows = p.c.rows >= p.c.columns;
    index_t const extent  = by_rows ? p.c.rows : p.c.columns;
    index_t const share   = ((extent + pool.size() - 1) / pool.size() + 15) / 16 * 16;
    auto task = [&](int t) {
        index_t const first = std::min(extent, t * share), n = std::min(share, extent - first);
        if (n > 0) by_rows ? cblas_part(p, first, n, 0, p.c.columns) : cblas_part(p, 0, p.c.rows, first, n);
    };
    pool.run(task);
}

}  // namespace midtrain::inline MT_ABI::detail
#endif
