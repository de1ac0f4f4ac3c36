#include <boost/test/unit_test.hpp>
#include <cmath>
#include <utility>
#include <vector>
#include <midtrain/concepts/position_policy.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/rotary_table.hpp>
#include <midtrain/position/scaled.hpp>

namespace mt = midtrain;

namespace {

struct without_temperature {
    mt::index_t context() const { return 1; }
    double      inverse_frequency(mt::index_t, mt::index_t, mt::index_t) const { return 1; }
    double      position(mt::index_t) const { return 1; }
};
static_assert(mt::PositionScalingPolicy<mt::rope> && mt::PositionScalingPolicy<mt::yarn> && !mt::PositionScalingPolicy<without_temperature>);

constexpr mt::rope         plain{.base = 1e4, .length = 2048};
constexpr mt::interpolated pi{.base = 1e4, .trained = 2048, .extended = 20480};
constexpr mt::ntk          ntk{.base = 1e4, .trained = 2048, .extended = 20480};
constexpr mt::yarn         yarn{.base = 1e4, .trained = 2048, .extended = 20480};

/// Five digits, as the golden numbers are printed.
bool near(double got, double want) { return std::abs(got / want - 1) < 5e-5; }

template <class Policy>
double at(Policy const& p, mt::index_t pair) {
    return p.inverse_frequency(pair, 128, 20480);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(position)

// transformers' tests/utils/test_modeling_rope_utils.py: head size 128, base 10000, trained on 2048, factor 10.
BOOST_AUTO_TEST_CASE(plain_equals_transformers) {
    BOOST_TEST(near(at(plain, 1), 8.6596e-01));
    BOOST_TEST(near(at(plain, 63), 1.1548e-04));
}
BOOST_AUTO_TEST_CASE(yarn_equals_transformers) {
    std::pair<int, double> const want[] = {{16, 1.0000e-01}, {17, 8.3479e-02}, {18, 6.9590e-02}, {19, 5.7925e-02},
                                           {40, 4.3007e-04}, {41, 2.7384e-04}, {63, 1.1548e-05}};
    for (auto const& [pair, frequency] : want) BOOST_TEST(near(at(yarn, pair), frequency), pair);
    BOOST_TEST(std::abs(yarn.temperature(20480) - 1.2302585) < 1e-7);
}
// Published long-context recipes, computed from transformers' rule.
BOOST_AUTO_TEST_CASE(yarn_of_qwen_and_olmo3) {
    mt::yarn const qwen{.base = 1e6, .trained = 32768, .extended = 4 * 32768}, olmo{.base = 5e5, .trained = 8192, .extended = 8 * 8192};
    BOOST_TEST(near(at(qwen, 30), 1.0644e-03));
    BOOST_TEST(near(at(qwen, 40), 4.4457e-05));
    BOOST_TEST(near(at(olmo, 20), 1.4856e-02));
    BOOST_TEST(near(at(olmo, 30), 8.1484e-04));
    BOOST_TEST(near(at(olmo, 40), 3.4281e-05));
}
BOOST_AUTO_TEST_CASE(interpolation_divides_every_frequency) {
    for (int i = 0; i < 64; ++i) BOOST_TEST(near(at(pi, i) * 10, at(plain, i)));
}
BOOST_AUTO_TEST_CASE(ntk_keeps_the_fastest_and_divides_the_slowest) {
    BOOST_TEST(at(ntk, 0) == 1.0);
    BOOST_TEST(std::abs(at(ntk, 63) * 10 / at(plain, 63) - 1) < 1e-12);
}
BOOST_AUTO_TEST_CASE(all_fall_with_the_pair_and_are_plain_without_stretching) {
    auto const falls = [](auto const& p) {
        for (int i = 1; i < 64; ++i) BOOST_TEST(at(p, i) < at(p, i - 1));
    };
    falls(plain), falls(pi), falls(ntk), falls(yarn);
    for (int i = 0; i < 64; ++i) {
        BOOST_TEST(near(at(mt::yarn{.base = 1e4, .trained = 2048, .extended = 2048}, i), at(plain, i)));
        BOOST_TEST(near(at(mt::ntk{.base = 1e4, .trained = 2048, .extended = 2048}, i), at(plain, i)));
    }
}
BOOST_AUTO_TEST_CASE(the_table_holds_turned_units) {
    std::vector<double> c(100 * 64), s(c.size());
    mt::fill_rotary(yarn, 100, 128, c.data(), s.data());
    for (std::size_t k = 0; k < c.size(); ++k) BOOST_REQUIRE(std::abs(std::hypot(c[k], s[k]) - yarn.temperature(100)) < 1e-12);
    BOOST_TEST(c[0] == yarn.temperature(100));
    BOOST_TEST(s[0] == 0.0);
}

BOOST_AUTO_TEST_SUITE_END()
