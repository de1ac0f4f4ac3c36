#pragma once
#include <algorithm>
#include <cstddef>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

// What Newton-Schulz does beside its products, value by value.

/// x = y = g / max(norm, epsilon), both as the first step wants them: x in the products' type, y times a.
template <class T, class C>
struct begin_newton_schulz {
    row_view<C const> g, squares;  // squares (1): the sum of g's
    row_view<T>       x;
    row_view<C>       y;
    C                 epsilon, a;

    MT_HOST_DEVICE void operator()(index_t i) const {
        C const norm = root(squares.data[0]);
        x.data[i]    = T(g.data[i] / (norm > epsilon ? norm : epsilon));
        y.data[i]    = a * C(x.data[i]);
    }
};
/// p = b * p + c * s.
template <class T, class C>
struct polynomial {
    row_view<T>       p;
    row_view<C const> s;
    C                 b, c;

    MT_HOST_DEVICE void operator()(index_t i) const { p.data[i] = T(b * C(p.data[i]) + c * s.data[i]); }
};
/// x = y, and y = a * x for the next step.
template <class T, class C>
struct next_newton_schulz {
    row_view<T> x;
    row_view<C> y;
    C           a;

    MT_HOST_DEVICE void operator()(index_t i) const {
        x.data[i] = T(y.data[i]);
        y.data[i] = a * C(x.data[i]);
    }
};

}  // namespace detail

/// x = U V^T, nearly, for g = U S V^T: each step is x = a x + (b A + c A^2) x with A = x x^T, or from the right where the matrix is tall,
/// so that A is the smaller of the two. Coefficients and their meaning: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon;
/// singular values end between about 0.7 and 1.2. Products are in the precision's stored type.
template <class Precision>
class newton_schulz {
    using T = typename Precision::stored;
    using C = typename Precision::computed;

    static constexpr double a = 3.4445, b = -4.7750, c = 2.0315;

  public:
    /// Bytes of work for a matrix.
    static constexpr index_t bytes(index_t rows, index_t columns) {
        index_t const n = rows * columns, k = std::min(rows, columns);
        return whole<C>(n) + whole<C>(k * k) + whole<T>(n) + whole<T>(k * k);
    }
    newton_schulz(row_view<std::byte> work, index_t rows, index_t columns) : wide_(rows <= columns) {
        index_t const k = std::min(rows, columns);
        auto*         at = work.data;
        auto const    take = [&]<class X>(X*, index_t r, index_t n) {
            auto const m = as_matrix(reinterpret_cast<X*>(at), r, n);
            at += whole<X>(r * n);
            return m;
        };
        y_ = take(static_cast<C*>(nullptr), rows, columns), square_ = take(static_cast<C*>(nullptr), k, k);
        x_ = take(static_cast<T*>(nullptr), rows, columns), gram_ = take(static_cast<T*>(nullptr), k, k);
    }
    /// The direction of g, (rows * columns), whose sum of squares lies on the device.
    template <class Device>
    row_view<C const> operator()(Device& device, row_view<C const> g, row_view<C const> squares, int steps, double epsilon) const {
        device.elements(x_.size(), detail::begin_newton_schulz<T, C>{g, squares, x_.flat(), y_.flat(), C(epsilon), C(a)});
        for (int n = 1; n <= steps; ++n) {
            auto const one = wide_ ? operand::plain : operand::transposed, other = wide_ ? operand::transposed : operand::plain;
            device.gemm(gemm_problem<T, T, T>{.a = x_, .a_is = one, .b = x_, .b_is = other, .c = gram_});
            device.gemm(gemm_problem<T, T, C>{.a = gram_, .b = gram_, .c = square_});
            device.elements(gram_.size(), detail::polynomial<T, C>{gram_.flat(), square_.flat(), C(b), C(c)});
            device.gemm(gemm_problem<T, T, C>{.a = wide_ ? gram_ : x_, .b = wide_ ? x_ : gram_, .c = y_, .accumulate = true});
            if (n < steps) device.elements(x_.size(), detail::next_newton_schulz<T, C>{x_.flat(), y_.flat(), C(a)});
        }
        return y_.flat();
    }

  private:
    template <class X>
    static constexpr index_t whole(index_t n) {
        return (n * static_cast<index_t>(sizeof(X)) + 127) / 128 * 128;
    }

    bool           wide_;
    matrix_view<C> y_, square_;
    matrix_view<T> x_, gram_;
};

}  // namespace midtrain::inline MT_ABI
