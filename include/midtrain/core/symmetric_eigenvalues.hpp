#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>
#include <midtrain/core/error.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

/// To tridiagonal form by Householder's reflections (Golub and Van Loan 2013, algorithm 8.3.1); `beside` holds n - 1 values and one more.
inline void make_tridiagonal(std::span<double> a, std::size_t n, std::span<double> diagonal, std::span<double> beside) {
    std::vector<double> v(n), w(n);
    for (std::size_t k = 0; k + 2 < n; ++k) {
        double square = 0;
        for (std::size_t i = k + 1; i < n; ++i) v[i] = a[i * n + k], square += v[i] * v[i];
        double const length = v[k + 1] > 0 ? -std::sqrt(square) : std::sqrt(square);
        beside[k]           = length;
        v[k + 1] -= length;
        double const norm = square - a[(k + 1) * n + k] * length;  // half of the reflected vector's square
        if (norm <= 0) continue;
        double along = 0;
        for (std::size_t i = k + 1; i < n; ++i) {
            double sum = 0;
            for (std::size_t j = k + 1; j < n; ++j) sum += a[i * n + j] * v[j];
            w[i] = sum / norm, along += w[i] * v[i];
        }
        for (std::size_t i = k + 1; i < n; ++i) w[i] -= along / (2 * norm) * v[i];
        for (std::size_t i = k + 1; i < n; ++i)
            for (std::size_t j = k + 1; j < n; ++j) a[i * n + j] -= v[i] * w[j] + w[i] * v[j];
    }
    for (std::size_t i = 0; i < n; ++i) diagonal[i] = a[i * n + i];
    if (n > 1) beside[n - 2] = a[(n - 1) * n + n - 2];
    beside[n - 1] = 0;
}

/// One implicit QR step on the unreduced block first .. last with Wilkinson's shift (Golub and Van Loan 2013, algorithm 8.3.2).
inline void shift_step(std::span<double> d, std::span<double> e, std::size_t first, std::size_t last) {
    double const half = (d[last - 1] - d[last]) / 2, e2 = e[last - 1] * e[last - 1];
    double const shift = d[last] - e2 / (half + (half >= 0 ? std::hypot(half, e[last - 1]) : -std::hypot(half, e[last - 1])));
    double       x = d[first] - shift, z = e[first];
    for (std::size_t k = first; k < last; ++k) {
        double const r = std::hypot(x, z), c = r > 0 ? x / r : 1, s = r > 0 ? z / r : 0;
        if (k > first) e[k - 1] = r;
        double const a = d[k], b = e[k], f = d[k + 1];
        d[k]     = c * c * a + 2 * c * s * b + s * s * f;
        d[k + 1] = s * s * a - 2 * c * s * b + c * c * f;
        e[k]     = c * s * (f - a) + (c * c - s * s) * b;
        if (k + 1 < last) x = e[k], z = s * e[k + 1], e[k + 1] *= c;
    }
}

}  // namespace detail

/// The eigenvalues of a symmetric matrix, the smallest first: (n, n) by rows, which is destroyed. Errors are some 1e-16 n of the largest;
/// work is 4/3 n^3.
inline std::vector<double> symmetric_eigenvalues(std::vector<double> a, std::size_t n) {
    check(a.size() == n * n, "eigenvalues: the matrix is not n by n");
    for (double x : a) check(std::isfinite(x), "eigenvalues: the matrix holds a value that is not finite");
    std::vector<double> d(n), e(n);
    if (n == 0) return d;
    detail::make_tridiagonal(a, n, d, e);
    double largest = 0;
    for (std::size_t k = 0; k < n; ++k) largest = std::max({largest, std::abs(d[k]), std::abs(e[k])});
    std::size_t last = n - 1, turns = 0;
    while (last > 0) {
        auto const negligible = [&](std::size_t k) {
            return std::abs(e[k]) <= 1e-16 * (std::abs(d[k]) + std::abs(d[k + 1])) + 1e-18 * largest;
        };
        if (negligible(last - 1)) {
            --last, turns = 0;
            continue;
        }
        check(++turns < 200, "eigenvalues: the iteration does not settle");
        std::size_t first = last - 1;
        while (first > 0 && !negligible(first - 1)) --first;
        detail::shift_step(d, e, first, last);
    }
    std::sort(d.begin(), d.end());
    return d;
}

}  // namespace midtrain::inline MT_ABI
