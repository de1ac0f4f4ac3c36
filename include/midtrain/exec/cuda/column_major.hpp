#pragma once
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI::detail {

/// One operand as BLAS names it: stored (rows, columns), columns `stride` values apart, and entering the product transposed or not.
struct column_major {
    index_t rows = 0, columns = 0, stride = 0;
    bool    transposed = false;
};

/// c = op(a) op(b) over rows side by side is, over columns side by side, c^T = op(b)^T op(a)^T: the same memory read as its
/// transpose, the operands in the other order, and what was transposed stays so. d is (m, n), the sum runs over k.
struct column_major_gemm {
    column_major left, right, result;  // b, a, c
    index_t      m = 0, n = 0, k = 0;
};

template <class T>
column_major as_column_major(matrix_view<T> v, operand is) {
    return {v.columns, v.rows, v.stride, is == operand::transposed};
}

template <class A, class B, class C>
column_major_gemm as_column_major(gemm_problem<A, B, C> const& p) {
    return {as_column_major(p.b, p.b_is), as_column_major(p.a, p.a_is), as_column_major(p.c, operand::plain),
            p.c.columns, p.c.rows, p.inner()};
}

}  // namespace midtrain::inline MT_ABI::detail
