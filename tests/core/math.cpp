#include <boost/test/unit_test.hpp>
#include <cmath>
#include <limits>
#include <midtrain/core/fast_exp.hpp>
#include <midtrain/core/math.hpp>

namespace mt = midtrain;

namespace {
double off(double got, double want) { return std::abs(got / want - 1); }

#ifdef __x86_64__
// As a build for such a processor makes them, whatever this one is for; g++ fuses from -O2 on, and is not to see the arguments.
[[gnu::target("fma"), gnu::optimize("O2"), gnu::noipa]] float sum_of_product(float a, float b, float c) { return mt::math::product(a, b) + c; }
[[gnu::target("fma"), gnu::optimize("O2"), gnu::noipa]] float product_and_sum(float a, float b, float c) { return a * b + c; }
#endif
}  // namespace

static_assert(mt::math::exp(0) == 1 && mt::math::sqrt(4) == 2 && mt::math::log(1) == 0 && mt::math::cos(0) == 1);

BOOST_AUTO_TEST_SUITE(math)

BOOST_AUTO_TEST_CASE(equal_to_the_library_within_two_ulp) {
    double const two_ulp = 2 * std::numeric_limits<double>::epsilon();
    for (int i = 1; i < 20'000; ++i) {
        double const x = i * 0.0173;
        BOOST_REQUIRE(off(mt::math::exp(x - 170), std::exp(x - 170)) < two_ulp);
        BOOST_REQUIRE(off(mt::math::sqrt(x), std::sqrt(x)) < two_ulp);
        // Near one the logarithm's error is absolute.
        BOOST_REQUIRE(std::abs(mt::math::log(x) - std::log(x)) < two_ulp * std::max(1.0, std::abs(std::log(x))));
        BOOST_REQUIRE(std::abs(mt::math::cos(x) - std::cos(x)) < two_ulp);
    }
}
BOOST_AUTO_TEST_CASE(ends) {
    double const inf = std::numeric_limits<double>::infinity();
    BOOST_TEST(mt::math::exp(-inf) == 0);
    BOOST_TEST(mt::math::exp(inf) == inf);
    BOOST_TEST(mt::math::log(0) == -inf);
    BOOST_TEST(std::isnan(mt::math::log(-1)));
    BOOST_TEST(std::isnan(mt::math::exp(std::nan(""))));
    BOOST_TEST(mt::math::pow(0, 2) == 0);
}
BOOST_AUTO_TEST_CASE(fast_exp_within_two_ulp_and_sane_at_the_ends) {
    for (float x = -87; x < 88; x += 0.00137f)
        BOOST_REQUIRE(off(mt::fast_exp(x), std::exp(static_cast<double>(x))) < 2 * std::numeric_limits<float>::epsilon());
    BOOST_TEST(mt::fast_exp(-std::numeric_limits<float>::infinity()) == 0.0f);
    BOOST_TEST(mt::fast_exp(-1000.0f) == 0.0f);
    BOOST_TEST(std::isfinite(mt::fast_exp(1000.0f)));
    BOOST_TEST(std::isnan(mt::fast_exp(std::nanf(""))));
}

#ifdef __x86_64__
boost::test_tools::assertion_result has_fused_multiply_add(boost::unit_test::test_unit_id) { return __builtin_cpu_supports("fma") != 0; }

/// (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24, and a float rounds the last term away.
BOOST_AUTO_TEST_CASE(a_product_is_rounded_before_it_is_added_to, *boost::unit_test::precondition(has_fused_multiply_add)) {
    float const a = 1 + 0x1p-12f, square = 1 + 0x1p-11f;
    BOOST_TEST(product_and_sum(a, a, -square) == 0x1p-24f);  // what the compiler makes of it otherwise
    BOOST_TEST(sum_of_product(a, a, -square) == 0);
    static_assert(mt::math::product(1 + 0x1p-12f, 1 + 0x1p-12f) == 1 + 0x1p-11f);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
