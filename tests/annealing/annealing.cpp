#include <boost/test/unit_test.hpp>
#include <cmath>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/concepts/annealing_policy.hpp>

namespace mt = midtrain;

namespace {

/// Step s of n steps of one token each.
constexpr mt::progress at(std::int64_t s, std::int64_t n) { return {s, {s}, {n}, {1}}; }

struct forgot_const {
    double rate(mt::progress) { return 1; }
};
struct wrong_name {
    double value(mt::progress) const { return 1; }
};
static_assert(mt::AnnealingPolicy<mt::constant> && mt::AnnealingPolicy<mt::linear> && mt::AnnealingPolicy<mt::wsd>);
static_assert(!mt::AnnealingPolicy<forgot_const> && !mt::AnnealingPolicy<wrong_name>);

// A policy is a constant expression: a recipe can be judged by the compiler.
static_assert(mt::linear{.from = 1, .to = 0.5}.rate(at(50, 100)) == 0.75);

template <class Policy>
void keeps_the_law(Policy const& p, double ends) {
    for (int s = 0; s <= 1000; ++s) {
        double const r = p.rate(at(s, 1000));
        BOOST_REQUIRE((std::isfinite(r) && r >= 0));
    }
    BOOST_TEST(std::abs(p.rate(at(1000, 1000)) - ends) < 1e-15);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(annealing)

BOOST_AUTO_TEST_CASE(finite_and_ends_where_it_says) {
    keeps_the_law(mt::constant{.peak = 3e-4}, 3e-4);
    keeps_the_law(mt::linear{.from = 3e-4, .to = 0}, 0);
    keeps_the_law(mt::cosine{.from = 3e-4, .to = 3e-5}, 3e-5);
    keeps_the_law(mt::one_minus_sqrt{.from = 3e-4, .to = 1e-6}, 1e-6);
    keeps_the_law(mt::wsd{.peak = 3e-4, .decay = mt::tokens{200}, .warmup = mt::tokens{100}}, 0);
}

// Peers' own code, run with peak 1, floor 0.1, 100 steps of warm-up out of 1000: the cosine of transformers, Megatron, nanotron, llm.c
// and torchtitan at 550 and 900, and the 1-sqrt of llm.c, Megatron, nanotron and torchtitan over the last 200 steps.
BOOST_AUTO_TEST_CASE(cosine_equals_five_peers) {
    mt::cosine const c{.from = 1, .to = 0.1};  // the 900 steps after the warm-up
    BOOST_TEST(std::abs(c.rate(at(450, 900)) - 0.55000) < 5e-6);
    BOOST_TEST(std::abs(c.rate(at(800, 900)) - 0.12714) < 5e-6);
}
BOOST_AUTO_TEST_CASE(one_minus_sqrt_equals_four_peers) {
    mt::wsd_of<mt::annealing::one_minus_sqrt_shape> const w{.peak = 1, .decay = mt::tokens{200}, .warmup = mt::tokens{100}, .floor = 0.1};
    BOOST_TEST(std::abs(w.rate(at(850, 1000)) - 0.55000) < 5e-6);
    BOOST_TEST(std::abs(w.rate(at(900, 1000)) - 0.36360) < 5e-6);
    BOOST_TEST(std::abs(w.rate(at(999, 1000)) - 0.10225) < 5e-6);
}
BOOST_AUTO_TEST_CASE(both_warm_ups) {
    mt::wsd w{.peak = 1, .decay = mt::tokens{200}, .warmup = mt::tokens{100}};
    BOOST_TEST(w.rate(at(0, 1000)) == 0.0);    // transformers, Megatron, nanotron
    BOOST_TEST(w.rate(at(99, 1000)) == 0.99);
    BOOST_TEST(w.rate(at(100, 1000)) == 1.0);
    w.from = mt::annealing::warmup_from::one_batch;
    BOOST_TEST(w.rate(at(0, 1000)) == 0.01);   // llm.c, torchtitan
    BOOST_TEST(w.rate(at(99, 1000)) == 1.0);
}
// transformers' tests/optimization/test_optimization.py: rate 10, 2 steps of warm-up, 10 in all.
BOOST_AUTO_TEST_CASE(linear_equals_the_list_of_transformers) {
    mt::linear const l{.from = 10, .to = 0};
    double const     want[] = {10, 8.75, 7.5, 6.25, 5, 3.75, 2.5, 1.25};
    for (int s = 0; s < 8; ++s) BOOST_TEST(l.rate(at(s, 8)) == want[s]);
}

BOOST_AUTO_TEST_SUITE_END()
