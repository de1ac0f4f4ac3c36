#include <boost/test/unit_test.hpp>
#include <cmath>
#include <midtrain/mixture/any_order.hpp>

namespace mt = midtrain;

namespace orders_under_test {

constexpr mt::progress at(std::int64_t seen) { return {seen, {seen}, {1000}, {1}}; }

constexpr mt::by_length qwen3{.from = {4096, 16384}, .shares = {.25, .75}};
constexpr mt::by_length moving{.from = {0, 100, 1000}, .shares = {.5, .3, .2}, .at_end = {.1, .2, .7}};
constexpr mt::by_score  competence{.from = {0, .125}, .to = {0, 1}, .pace = .5, .grades = 8};
constexpr mt::by_score  best{.from = {0, 1}, .to = {.75, 1}, .grades = 16};

static_assert(mt::OrderPolicy<mt::shuffled> && mt::OrderPolicy<mt::by_length> && mt::OrderPolicy<mt::by_score> && mt::OrderPolicy<mt::any_order>);
struct forgot_const : mt::shuffled {
    double share(std::size_t, mt::progress) { return 1; }
};
static_assert(!mt::OrderPolicy<forgot_const> && !mt::OrderPolicy<int>);
static_assert(qwen3.bucket_of({4095, 0}) == 2 && qwen3.bucket_of({4096, 0}) == 0 && qwen3.bucket_of({16'384, 0}) == 1);
static_assert(qwen3.share(1, at(500)) == .75 && qwen3.fits() && moving.fits() && competence.fits() && best.fits());
static_assert(!mt::by_length{}.fits() && !mt::by_length{.from = {0, 5}, .shares = {1}}.fits() && !mt::by_length{.from = {5, 5}, .shares = {.5, .5}}.fits());
static_assert(!mt::by_score{.from = {.5, .2}}.fits() && !mt::by_score{.grades = 0}.fits() && !mt::by_score{.to = {0, 1.5}}.fits());

template <class Order>
void keeps_the_law(Order const& order) {
    for (std::int64_t t = 0; t <= 1000; t += 5) {
        double total = 0;
        for (std::size_t b = 0; b < order.buckets(); ++b) {
            double const x = order.share(b, at(t));
            BOOST_REQUIRE(x >= 0);
            total += x;
        }
        BOOST_REQUIRE(std::abs(total - 1) < 1e-12);
    }
}

}  // namespace orders_under_test

using namespace orders_under_test;

BOOST_AUTO_TEST_SUITE(orders)

BOOST_AUTO_TEST_CASE(shares_are_whole_all_along) {
    keeps_the_law(mt::shuffled{});
    keeps_the_law(qwen3), keeps_the_law(moving), keeps_the_law(competence), keeps_the_law(best);
    keeps_the_law(mt::any_order(best)), keeps_the_law(mt::any_order(moving));
}
BOOST_AUTO_TEST_CASE(shares_of_lengths_move_in_a_straight_line) {
    BOOST_TEST(moving.share(0, at(250)) == .4, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(moving.share(2, at(1000)) == .7, boost::test_tools::tolerance(1e-12));
}
BOOST_AUTO_TEST_CASE(a_stretch_of_quantiles_opens_at_its_pace) {
    // Platanios et al.: the competence after a quarter of the way is c0 + (1 - c0) sqrt(1/4), here with c0 = 1/8.
    BOOST_TEST(competence.stretch(at(250)).high == .125 + .875 * .5, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(competence.share(0, at(0)) == 1);
    BOOST_TEST(competence.share(7, at(1000)) == .125, boost::test_tools::tolerance(1e-12));
    // 4.5 of 8 grades are open: each whole one has 1 / 4.5 of the tokens.
    BOOST_TEST(competence.share(3, at(250)) == 1 / 4.5, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(competence.share(4, at(250)) == .5 / 4.5, boost::test_tools::tolerance(1e-12));
    BOOST_TEST(best.share(11, at(1000)) == 0);
    BOOST_TEST(best.share(12, at(1000)) == .25, boost::test_tools::tolerance(1e-12));
}
BOOST_AUTO_TEST_CASE(an_order_may_be_for_some_sources) {
    mt::by_score const some{.only = {"code", "maths"}};
    BOOST_TEST((some.is_for("code") && !some.is_for("web") && qwen3.is_for("web")));
    BOOST_TEST((!mt::any_order(some).is_for("web") && mt::any_order(some).wants_scores() && mt::any_order().is_for("web")));
}

BOOST_AUTO_TEST_SUITE_END()
