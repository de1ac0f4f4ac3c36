#pragma once
#include <algorithm>
#include <array>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/seconds_now.hpp>
#include <midtrain/exec/host/host.hpp>

namespace midtrain::inline MT_ABI {

/// Rates of the matrix product here, in floating-point operations a second: the better of five of 512 x 1536 x 576.
struct product_rates {
    double fp32 = 0, bf16 = 0;

    /// Whether bfloat16 trains faster: with AMX, or with AVX512-BF16 and a library that uses it. A tenth more, since bfloat16 costs conversions.
    bool prefer_bf16() const { return bf16 > 1.1 * fp32; }
};

/// Tries both for some ten milliseconds; processors differ from one machine to the next, so ask on the one that trains.
inline product_rates probe_products(host& device) {
    auto const rate = [&]<class T>(T) {
        index_t const m = 512, n = 1536, k = 576;
        auto const    a = device.template make<T>(m * k), b = device.template make<T>(n * k), c = device.template make<T>(m * n);
        double        best = 0;
        for (int trial = 0; trial < 6; ++trial) {  // the first one warms up
            double const start = seconds_now();
            device.gemm(gemm_problem<T, T, T>{.a = as_matrix<T const>(a.view().data, m, k), .b = as_matrix<T const>(b.view().data, n, k),
                                              .b_is = operand::transposed, .c = as_matrix(c.view().data, m, n)});
            double const seconds = seconds_now() - start;
            if (trial > 0) best = std::max(best, 2.0 * m * n * k / seconds);
        }
        return best;
    };
    return {rate(float{}), rate(midtrain::bf16{})};
}

}  // namespace midtrain::inline MT_ABI
