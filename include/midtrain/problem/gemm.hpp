#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// How an operand is stored: as it enters the product, or transposed.
enum class operand { plain, transposed };

/// c = op(a) op(b) + beta * c, with beta 0 or 1, accumulated in float (double for double).
/// op(a) is (c.rows, k), op(b) is (k, c.columns).
template <class A, class B, class C>
struct gemm_problem {
    matrix_view<A const> a;
    operand              a_is = operand::plain;
    matrix_view<B const> b;
    operand              b_is = operand::plain;
    matrix_view<C>       c;
    bool                 accumulate = false;

    constexpr index_t inner() const { return a_is == operand::plain ? a.columns : a.rows; }
};

}  // namespace midtrain::inline MT_ABI
