#pragma once
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI {

/// `count` products of one form, whose matrices lie so many values apart: c_i = op(a_i) op(b_i) + beta * c_i. An operand that all of them
/// share is 0 values apart; the results do not overlap.
template <class A, class B, class C>
struct batched_gemm_problem {
    gemm_problem<A, B, C> first;
    index_t               count   = 1;
    index_t               a_apart = 0, b_apart = 0, c_apart = 0;

    constexpr gemm_problem<A, B, C> product(index_t i) const {
        auto p = first;
        p.a.data += i * a_apart;
        p.b.data += i * b_apart;
        p.c.data += i * c_apart;
        return p;
    }
};

}  // namespace midtrain::inline MT_ABI
