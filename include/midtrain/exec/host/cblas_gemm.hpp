#pragma once
// Products of floats through a CBLAS, which brings its own threads. Empty unless MIDTRAIN_WITH_CBLAS is defined.
#ifdef MIDTRAIN_WITH_CBLAS
#include <cblas.h>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

inline void cblas_product(gemm_problem<float, float, float> const& p) {
    auto const form = [](operand is) { return is == operand::plain ? CblasNoTrans : CblasTrans; };
    auto const n    = [](index_t x) { return static_cast<int>(x); };
    cblas_sgemm(CblasRowMajor, form(p.a_is), form(p.b_is), n(p.c.rows), n(p.c.columns), n(p.inner()), 1.0f, p.a.data, n(p.a.stride),
                p.b.data, n(p.b.stride), p.accumulate ? 1.0f : 0.0f, p.c.data, n(p.c.stride));
}

}  // namespace midtrain::inline MT_ABI::detail
#endif
