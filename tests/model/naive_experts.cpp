#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>
#include <midtrain/model/experts.hpp>
#include <midtrain/op/grouped_gemm.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/exec/crowd/crowd.hpp>
#include <support/lone_layer.hpp>
#include <support/naive_experts.hpp>

namespace mt = midtrain;

namespace {

constexpr mt::index_t width = 9, rows = 31;

test::numbers input() {
    test::numbers x(width * rows);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 2 * mt::random_stream{9, 1}.uniform(i) - 1;
    return x;
}

/// A mixture with weights, and its parts one by one.
struct mixture {
    test::lone_layer<mt::fp64> own;
    mt::expert_shape           shape;
    mt::model::experts         layer;
    test::numbers              x = input();

    explicit mixture(mt::expert_shape const& s) : shape(s), layer(own.layout, 1, "", s, width, 0.1, 0.1) { own.close(); }

    test::numbers answer() {
        auto       p = own.pass();
        auto const y = layer.forward(p, mt::as_matrix<double const>(x.data(), rows, width)).flat();
        return {y.begin(), y.end()};
    }
    test::numbers scores(mt::index_t t) {
        test::numbers z;
        for (mt::index_t e = 0; e < shape.count; ++e) z.push_back(dot(own.entry(0), e, t));
        return test::softmax(z);
    }
    double        learned_scale(mt::index_t e) { return own.weight(own.entry(1), e, 0); }
    /// E_e(x) = down(silu(gate x) * up x), from the tensors numbered `in` and `out`.
    test::numbers expert(std::size_t in, std::size_t out, mt::index_t e, mt::index_t ffn, mt::index_t t) {
        test::numbers h, y;
        for (mt::index_t i = 0; i < ffn; ++i) {
            double const g = dot(own.entry(in), 2 * e * ffn + i, t), u = dot(own.entry(in), (2 * e + 1) * ffn + i, t);
            h.push_back(g / (1 + std::exp(-g)) * u);
        }
        for (mt::index_t c = 0; c < width; ++c) {
            double sum = 0;
            for (mt::index_t i = 0; i < ffn; ++i) sum += own.weight(own.entry(out), e * width + c, i) * h[static_cast<std::size_t>(i)];
            y.push_back(sum);
        }
        return y;
    }

  private:
    double dot(mt::parameter_info const& e, mt::index_t row, mt::index_t t) {
        double sum = 0;
        for (mt::index_t i = 0; i < width; ++i) sum += own.weight(e, row, i) * x[static_cast<std::size_t>(t * width + i)];
        return sum;
    }
};

double apart(test::numbers const& got, mt::index_t t, test::numbers const& want) {
    double most = 0;
    for (mt::index_t i = 0; i < width; ++i)
        most = std::max(most, std::abs(got[static_cast<std::size_t>(t * width + i)] - want[static_cast<std::size_t>(i)]));
    return most;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(experts_from_their_equations)

BOOST_AUTO_TEST_CASE(mixture_of_grouped_experts) {
    mixture m({.count = 6, .chosen = 2, .ffn = 4, .shared_ffn = 5, .scaled = true, .grouping = mt::expert_groups::each, .groups = 2});
    auto const got  = m.answer();
    double     most = 0;
    for (mt::index_t t = 0; t < rows; ++t) {
        test::numbers scale;
        for (mt::index_t e = 0; e < 6; ++e) scale.push_back(m.learned_scale(e));
        auto const want = test::mixture_of_grouped_experts(m.scores(t), 2, 1, scale, [&](int e) { return m.expert(2, 3, e, 4, t); },
                                                           m.expert(4, 5, 0, 5, t));
        most = std::max(most, apart(got, t, want));
    }
    BOOST_TEST(most < 1e-14);  // sums of some twenty products below one
}

/// Room for each expert's even share, nine tenths of it, and more than anyone wants.
BOOST_AUTO_TEST_CASE(recycle_routing) {
    for (double capacity : {1.0, 0.9, 9.0}) {
        mixture m({.count = 4, .chosen = 1, .ffn = 4, .shared_ffn = 5, .capacity = capacity, .past = mt::overflow::recycle});
        auto const                 got = m.answer();
        std::vector<test::numbers> scores;
        for (mt::index_t t = 0; t < rows; ++t) scores.push_back(m.scores(t));
        auto const chosen = test::recycled_experts(scores, static_cast<int>(std::ceil(rows / 4.0 * capacity)), 0);
        double     most = 0;
        int        dropped = 0, elsewhere = 0;
        for (mt::index_t t = 0; t < rows; ++t) {
            auto const  e    = chosen[static_cast<std::size_t>(t)];
            auto const& s    = scores[static_cast<std::size_t>(t)];
            auto        want = m.expert(3, 4, 0, 5, t);
            auto const  add  = e >= 0 ? m.expert(1, 2, e, 4, t) : test::numbers(width, 0.0);
            for (std::size_t i = 0; i < width; ++i) want[i] += (e >= 0 ? s[static_cast<std::size_t>(e)] : 0.0) * add[i];
            most = std::max(most, apart(got, t, want));
            dropped += e < 0;
            elsewhere += e >= 0 && s[static_cast<std::size_t>(e)] < *std::max_element(s.begin(), s.end());
        }
        BOOST_TEST(most < 1e-14);
        BOOST_TEST((dropped > 0) == (capacity < 1));
        BOOST_TEST((elsewhere > 0) == (capacity < 9));
    }
}

/// Groups without rows, with one, and rows behind the last group, which stay as they are.
BOOST_AUTO_TEST_CASE(grouped_products) {
    std::vector<std::int32_t> const begin{0, 0, 3, 4, 4, 9};
    test::numbers                   a(11 * 4), b(5 * 4 * 6), d(11 * 6);
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = mt::random_stream{1, 1}.uniform(i) - 0.5;
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = mt::random_stream{1, 2}.uniform(i) - 0.5;
    for (std::size_t i = 0; i < d.size(); ++i) d[i] = mt::random_stream{1, 3}.uniform(i) - 0.5;
    mt::host  host(2);
    mt::crowd crowd(3);
    for (auto how : {mt::operand::plain, mt::operand::transposed}) {
        test::numbers c(11 * 6, 7.0), e(11 * 6, 7.0), want(11 * 6, 7.0), outer(b.size(), 1.0), other(b.size(), 1.0), sum(b.size(), 1.0);
        for (std::size_t g = 0; g < 5; ++g)
            for (auto r = static_cast<std::size_t>(begin[g]); r < static_cast<std::size_t>(begin[g + 1]); ++r)
                for (std::size_t j = 0; j < 6; ++j) {
                    want[6 * r + j] = 0;
                    for (std::size_t x = 0; x < 4; ++x) {
                        want[6 * r + j] += a[4 * r + x] * b[24 * g + (how == mt::operand::plain ? 6 * x + j : 4 * j + x)];
                        sum[24 * g + 6 * x + j] += a[4 * r + x] * d[6 * r + j];
                    }
                }
        mt::row_view<std::int32_t const> const at{begin.data(), 6};
        auto const in = mt::as_matrix<double const>(a.data(), 11, 4), right = mt::as_matrix<double const>(d.data(), 11, 6);
        auto const w  = how == mt::operand::plain ? mt::as_matrix<double const>(b.data(), 20, 6) : mt::as_matrix<double const>(b.data(), 30, 4);
        run(host, mt::grouped_gemm_problem<double, double, double>{in, w, how, mt::as_matrix(c.data(), 11, 6), at});
        run(crowd, mt::grouped_gemm_problem<double, double, double>{in, w, how, mt::as_matrix(e.data(), 11, 6), at});
        run(host, mt::grouped_outer_problem<double, double, double>{in, right, mt::as_matrix(outer.data(), 20, 6), at});
        run(crowd, mt::grouped_outer_problem<double, double, double>{in, right, mt::as_matrix(other.data(), 20, 6), at});
        for (std::size_t i = 0; i < want.size(); ++i) BOOST_REQUIRE(std::abs(c[i] - want[i]) < 1e-15 && std::abs(e[i] - want[i]) < 1e-15);
        for (std::size_t i = 0; i < sum.size(); ++i) BOOST_REQUIRE(std::abs(outer[i] - sum[i]) < 1e-15 && std::abs(other[i] - sum[i]) < 1e-15);
    }
}

BOOST_AUTO_TEST_SUITE_END()
