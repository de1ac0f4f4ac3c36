#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <vector>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/op/batched_gemm.hpp>
#include <midtrain/op/fused_gemm.hpp>
#include <midtrain/op/run.hpp>
#include <support/devices.hpp>

namespace mt = midtrain;
using mt::index_t;

namespace {

// Multiples of eight, as tensor cores want rows of bfloat16.
constexpr index_t m = 40, n = 24, k = 16;

template <class T>
std::vector<T> random_values(index_t count, std::uint64_t stream) {
    std::vector<T> v(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = T(mt::computed_t<T>(2 * mt::random_stream{3, stream}.uniform(i) - 1));
    return v;
}
double gelu(double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
double gelu_slope(double x) { return (gelu(x + 1e-5) - gelu(x - 1e-5)) / 2e-5; }

/// The largest difference from what f(i, j) says, in units of the largest.
template <class T, class F>
double apart(std::vector<T> const& got, index_t rows, index_t columns, F f) {
    double most = 0, size = 0;
    for (index_t i = 0; i < rows; ++i)
        for (index_t j = 0; j < columns; ++j) {
            double const want = f(static_cast<std::size_t>(i), static_cast<std::size_t>(j)),
                         d    = double(got[static_cast<std::size_t>(i * columns + j)]) - want;
            most = std::max(most, std::isnan(d) ? 1e9 : std::abs(d)), size = std::max(size, std::abs(want));
        }
    return most / size;
}
/// Values on the host and the device's copy.
template <class T, class Device>
struct operand_of {
    std::vector<T>                       host;
    typename Device::template buffer<T> there;

    operand_of(Device& device, index_t count, std::uint64_t stream)
        : host(random_values<T>(count, stream)), there(test::uploaded(device, host)) {}
    auto matrix(index_t rows) { return mt::as_matrix(there.view().data, rows, there.size() / rows); }
    auto now(Device& device) { return test::downloaded(device, there.view()); }
    double operator[](std::size_t i) const { return double(host[i]); }
};

template <class T, class Device>
double biased(bool has_bias, bool has_gelu) {
    Device                device;
    operand_of<T, Device> x(device, m * k, 1), w(device, n * k, 2), b(device, n, 3), y(device, m * n, 4), g(device, m * n, 5);
    mt::biased_gemm_problem<T> p{.product = {.a = x.matrix(m), .b = w.matrix(n), .b_is = mt::operand::transposed, .c = y.matrix(m)},
                                 .bias    = {}};
    if (has_bias) p.bias = b.there.view();
    if (has_gelu) p.gelu = g.matrix(m);
    mt::run(device, p);
    auto const sum = [&](std::size_t i, std::size_t j) {
        double s = has_bias ? b[j] : 0;
        for (std::size_t l = 0; l < k; ++l) s += x[i * k + l] * w[j * k + l];
        return s;
    };
    auto const of_gelu = [&](std::size_t i, std::size_t j) { return has_gelu ? gelu(sum(i, j)) : g[i * n + j]; };
    return std::max(apart(y.now(device), m, n, sum), apart(g.now(device), m, n, of_gelu));
}
template <class T, class Device>
double through_gelu() {
    Device                device;
    operand_of<T, Device> d(device, m * k, 1), w(device, k * n, 2), before(device, m * n, 3), y(device, m * n, 4);
    mt::run(device, mt::gelu_gradient_gemm_problem<T>{.product = {.a = d.matrix(m), .b = w.matrix(k), .c = y.matrix(m)},
                                                      .before  = before.matrix(m)});
    return apart(y.now(device), m, n, [&](std::size_t i, std::size_t j) {
        double s = 0;
        for (std::size_t l = 0; l < k; ++l) s += d[i * k + l] * w[l * n + j];
        return s * gelu_slope(before[i * n + j]);
    });
}
template <class T, class Device>
double summed() {
    using C = mt::computed_t<T>;
    Device                device;
    operand_of<T, Device> d(device, m * n, 1), x(device, m * k, 2);
    operand_of<C, Device> g(device, n * k, 3), sums(device, n, 4), work(device, mt::op::row_parts(m) * n, 5);
    mt::run(device, mt::summed_gemm_problem<T>{
        .product = {.a = d.matrix(m), .a_is = mt::operand::transposed, .b = x.matrix(m), .c = g.matrix(n), .accumulate = true},
        .sums = sums.there.view(), .work = work.there.view()});
    auto const want = [&](std::size_t j, std::size_t l, auto const& before, bool product) {
        double s = before[product ? j * k + l : j];
        for (std::size_t i = 0; i < m; ++i) s += d[i * n + j] * (product ? x[i * k + l] : 1);
        return s;
    };
    return std::max(apart(g.now(device), n, k, [&](std::size_t j, std::size_t l) { return want(j, l, g, true); }),
                    apart(sums.now(device), n, 1, [&](std::size_t j, std::size_t) { return want(j, 0, sums, false); }));
}
/// Four heads side by side in rows of a, b shared by all, results one under the other.
template <class T, class Device>
double batched() {
    constexpr index_t     heads = 4;
    Device                device;
    operand_of<T, Device> a(device, m * heads * k, 1), b(device, n * k, 2), c(device, heads * m * n, 3);
    mt::run(device, mt::batched_gemm_problem<T, T, T>{.first   = {.a    = a.matrix(m).columns_part(0, k),
                                                                  .b    = b.matrix(n),
                                                                  .b_is = mt::operand::transposed,
                                                                  .c    = c.matrix(heads * m).rows_part(0, m)},
                                                      .count   = heads,
                                                      .a_apart = k,
                                                      .b_apart = 0,
                                                      .c_apart = m * n});
    return apart(c.now(device), heads * m, n, [&](std::size_t i, std::size_t j) {
        double s = 0;
        for (std::size_t l = 0; l < k; ++l) s += a[(i % m * heads + i / m) * k + l] * b[j * k + l];
        return s;
    });
}
template <class T, class Device>
double worst() {
    double w = std::max({through_gelu<T, Device>(), summed<T, Device>(), batched<T, Device>()});
    for (int form = 0; form < 4; ++form) w = std::max(w, biased<T, Device>(form & 1, form & 2));
    return w;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fused_gemm, *boost::unit_test::precondition(test::has_devices))

// Sums of up to 40 products. Double: slopes by differences of 1e-5 are right to 1e-9. bfloat16: a result is rounded once or twice, by 2^-9
// of its own size, where it is rounded before the activation also by as much of what goes into that.
BOOST_AUTO_TEST_CASE_TEMPLATE(equal_their_parts_in_double, Device, test::devices) {
    BOOST_TEST((worst<double, Device>()) < 1e-8);
    BOOST_TEST((worst<float, Device>()) < 2e-6);
    BOOST_TEST((worst<mt::bf16, Device>()) < 1.2e-2);
}

BOOST_AUTO_TEST_SUITE_END()
