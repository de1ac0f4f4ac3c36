#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/op/fused_gemm.hpp>
#include <midtrain/op/run.hpp>

namespace mt = midtrain;

namespace {

constexpr mt::index_t m = 5, n = 7, k = 3;

std::vector<double> random_values(mt::index_t count, std::uint64_t stream) {
    std::vector<double> v(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = 4 * mt::random_stream{3, stream}.uniform(i) - 2;
    return v;
}
mt::matrix_view<double const> matrix(std::vector<double> const& v, mt::index_t rows) {
    return mt::as_matrix(v.data(), rows, static_cast<mt::index_t>(v.size()) / rows);
}
double gelu(double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
double gelu_slope(double x) { return (gelu(x + 1e-5) - gelu(x - 1e-5)) / 2e-5; }

/// Row i of x (m, k) by row j of w (n, k).
double dot(std::vector<double> const& x, std::vector<double> const& w, std::size_t i, std::size_t j) {
    double sum = 0;
    for (std::size_t l = 0; l < k; ++l) sum += x[i * k + l] * w[j * k + l];
    return sum;
}
template <class Device>
void biased(Device& device, bool has_bias, bool has_gelu) {
    auto const          x = random_values(m * k, 1), w = random_values(n * k, 2), b = random_values(n, 3);
    std::vector<double> y(m * n), g(m * n);
    mt::biased_gemm_problem<double> p{.product = {.a = matrix(x, m), .b = matrix(w, n), .b_is = mt::operand::transposed,
                                                  .c = mt::as_matrix(y.data(), m, n)}, .bias = {}};
    if (has_bias) p.bias = {b.data(), n};
    if (has_gelu) p.gelu = mt::as_matrix(g.data(), m, n);
    mt::run(device, p);
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            double const want = dot(x, w, i, j) + (has_bias ? b[j] : 0);
            BOOST_TEST(std::abs(y[i * n + j] - want) < 1e-13);
            BOOST_TEST(std::abs(g[i * n + j] - (has_gelu ? gelu(want) : 0)) < 1e-13);
        }
}
template <class Device>
void through_gelu(Device& device) {
    auto const          d = random_values(m * k, 1), w = random_values(n * k, 2), before = random_values(m * n, 3);
    std::vector<double> y(m * n);
    mt::run(device, mt::gelu_gradient_gemm_problem<double>{
        .product = {.a = matrix(d, m), .b = matrix(w, n), .b_is = mt::operand::transposed, .c = mt::as_matrix(y.data(), m, n)},
        .before = matrix(before, m)});
    for (std::size_t i = 0; i < m * n; ++i) BOOST_TEST(std::abs(y[i] - dot(d, w, i / n, i % n) * gelu_slope(before[i])) < 1e-8);
}
template <class Device>
void summed(Device& device) {
    auto const          d = random_values(m * n, 1), x = random_values(m * k, 2), before = random_values(n * (k + 1), 3);
    auto                g = before;
    std::vector<double> work(n);
    mt::run(device, mt::summed_gemm_problem<double>{
        .product = {.a = matrix(d, m), .a_is = mt::operand::transposed, .b = matrix(x, m), .c = mt::as_matrix(g.data(), n, k), .accumulate = true},
        .sums = {g.data() + n * k, n}, .work = {work.data(), n}});
    for (std::size_t j = 0; j < n; ++j)
        for (std::size_t l = 0; l <= k; ++l) {
            std::size_t const at = l < k ? j * k + l : n * k + j;
            double            want = before[at];
            for (std::size_t i = 0; i < m; ++i) want += d[i * n + j] * (l < k ? x[i * k + l] : 1);
            BOOST_TEST(std::abs(g[at] - want) < 1e-13);
        }
}
template <class F>
void on_both(F f) {
    mt::host  host(1);
    mt::crowd crowd(3);
    f(host), f(crowd);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fused_gemm)

BOOST_AUTO_TEST_CASE(bias_and_gelu) {
    for (int form = 0; form < 4; ++form) on_both([=](auto& device) { biased(device, form & 1, form & 2); });
}
BOOST_AUTO_TEST_CASE(a_gradient_through_gelu) { on_both([](auto& device) { through_gelu(device); }); }
BOOST_AUTO_TEST_CASE(gradients_of_weight_and_bias) { on_both([](auto& device) { summed(device); }); }

BOOST_AUTO_TEST_SUITE_END()
