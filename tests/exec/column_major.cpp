#include <boost/test/unit_test.hpp>
#include <cmath>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <midtrain/exec/cuda/column_major.hpp>
#include <midtrain/op/batched_gemm.hpp>
#include <midtrain/op/run.hpp>

namespace mt = midtrain;

namespace {

/// What BLAS does with such a description: element (i, j) of a stored operand lies at i + j * stride.
void blas(mt::detail::column_major_gemm const& g, double const* left, double const* right, double* result, double beta) {
    auto const at = [](mt::detail::column_major const& o, double const* data, mt::index_t i, mt::index_t j) {
        BOOST_REQUIRE((o.transposed ? j < o.rows && i < o.columns : i < o.rows && j < o.columns));
        return o.transposed ? data[j + i * o.stride] : data[i + j * o.stride];
    };
    BOOST_REQUIRE(!g.result.transposed);
    for (mt::index_t i = 0; i < g.m; ++i)
        for (mt::index_t j = 0; j < g.n; ++j) {
            double total = 0;
            for (mt::index_t k = 0; k < g.k; ++k) total += at(g.left, left, i, k) * at(g.right, right, k, j);
            double& to = result[i + j * g.result.stride];
            to         = total + beta * to;
        }
}

std::vector<double> random_values(std::size_t n, std::uint64_t stream) {
    std::vector<double> v(n);
    for (std::size_t i = 0; i < n; ++i) v[i] = mt::random_stream{1, stream}.uniform(i) - 0.5;
    return v;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(column_major)

// Matrices of 5 x 7 by 7 x 3 inside wider ones, so that a wrong stride shows.
BOOST_AUTO_TEST_CASE(every_form_of_a_product_is_the_same_read_by_columns) {
    mt::crowd device(2);
    for (int form = 0; form < 8; ++form) {
        bool const at = form & 1, bt = form & 2, accumulate = form & 4;
        auto const a = random_values(100, 1), b = random_values(100, 2);
        auto       c = random_values(100, 3), d = c;
        mt::gemm_problem<double, double, double> p{{a.data(), at ? 7 : 5, at ? 5 : 7, 9}, at ? mt::operand::transposed : mt::operand::plain,
                                                   {b.data(), bt ? 3 : 7, bt ? 7 : 3, 11}, bt ? mt::operand::transposed : mt::operand::plain,
                                                   {c.data(), 5, 3, 6}, accumulate};
        device.gemm(p);
        blas(mt::detail::as_column_major(p), b.data(), a.data(), d.data(), accumulate ? 1.0 : 0.0);
        for (std::size_t i = 0; i < c.size(); ++i) BOOST_TEST(std::abs(c[i] - d[i]) < 1e-14, "form " << form << " at " << i);
    }
}

// Four heads of attention, whose queries and results lie side by side in a row and whose keys two heads share.
BOOST_AUTO_TEST_CASE(a_batch_is_its_products) {
    mt::crowd  device(2);
    auto const q = random_values(5 * 16, 1), k = random_values(7 * 4, 2);
    auto       s = random_values(4 * 5 * 7, 3), expected = s;
    for (bool accumulate : {false, true}) {
        mt::batched_gemm_problem<double, double, double> p{
            .first = {.a = {q.data(), 5, 4, 16}, .b = {k.data(), 7, 4, 4}, .b_is = mt::operand::transposed, .c = {s.data(), 5, 7, 7},
                      .accumulate = accumulate},
            .count = 4, .a_apart = 4, .b_apart = 0, .c_apart = 35};
        mt::run(device, p);
        for (std::size_t h = 0; h < 4; ++h)
            blas(mt::detail::as_column_major(p.first), k.data(), q.data() + 4 * h, expected.data() + 35 * h, accumulate ? 1.0 : 0.0);
        for (std::size_t i = 0; i < s.size(); ++i) BOOST_TEST(std::abs(s[i] - expected[i]) < 1e-14, i);
    }
}

BOOST_AUTO_TEST_SUITE_END()
