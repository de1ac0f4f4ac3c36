#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/excerpt.hpp>
#include <midtrain/annealing/exponential.hpp>
#include <midtrain/annealing/polynomial.hpp>
#include <midtrain/annealing/power_law.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace {

mt::progress at(std::int64_t k, std::int64_t of) { return {k, {k}, {of}, 1_tok}; }

// Our functions of core/math.hpp are within 2 ulp, the sums below add a few.
constexpr double near = 1e-14;

}  // namespace

BOOST_AUTO_TEST_SUITE(more_shapes)

BOOST_AUTO_TEST_CASE(each_is_its_formula) {
    mt::annealing::exponential const e{.from = 3e-4, .to = 3e-6};
    mt::halving const                h{.from = 3e-4, .to = 1e-5};
    mt::polynomial const             p{.from = 3e-4, .to = 1e-5, .power = 3};
    mt::power_law const              l{.peak = 3e-4, .over = 40_tok, .exponent = -0.51, .floor = 1e-5};
    for (std::int64_t k = 0; k <= 100; ++k) {
        double const r = static_cast<double>(k) / 100;
        BOOST_TEST(std::abs(e.rate(at(k, 100)) - 3e-4 * std::pow(1e-2, r)) < near * 3e-4);
        BOOST_TEST(std::abs(h.rate(at(k, 100)) - (1e-5 + 2.9e-4 * (2 * std::pow(0.5, r) - 1))) < near * 3e-4);
        BOOST_TEST(std::abs(p.rate(at(k, 100)) - (1e-5 + 2.9e-4 * std::pow(1 - r, 3))) < near * 3e-4);
        BOOST_TEST(std::abs(l.rate(at(k, 100)) - (1e-5 + 2.9e-4 * std::pow((k + 40) / 40.0, -0.51))) < near * 3e-4);
    }
    BOOST_TEST(!mt::annealing::exponential({.from = 1, .to = 0}).fits(1_tok));
    BOOST_TEST(!mt::power_law({.peak = 1, .over = 0_tok}).fits(1_tok));
    BOOST_TEST(!mt::polynomial({.from = 1, .to = 0, .power = 0}).fits(1_tok));
    static_assert(mt::polynomial{.from = 1, .to = 0}.rate({1, {1}, {2}, {1}}) == 0.25);
}

// A cosine over 1000 tokens that stops after 780 (as OLMo 2's over 5T stopped at 3.9T), and its second half alone.
BOOST_AUTO_TEST_CASE(an_excerpt_is_the_longer_policy) {
    mt::cosine const              whole{.from = 3e-4, .to = 3e-5};
    mt::excerpt<mt::cosine> const first{.of = 1000_tok, .policy = whole}, half{.of = 1000_tok, .skip = 500_tok, .policy = whole};
    for (std::int64_t k = 0; k < 500; ++k) {
        BOOST_TEST(first.rate(at(k, 780)) == whole.rate(at(k, 1000)));
        BOOST_TEST(half.rate(at(k, 500)) == whole.rate(at(k + 500, 1000)));
    }
    BOOST_TEST(first.fits(780_tok));
    BOOST_TEST(first.fits(1000_tok));
    BOOST_TEST(!first.fits(1001_tok));
    BOOST_TEST(half.fits(500_tok));
    BOOST_TEST(!half.fits(501_tok));
}

BOOST_AUTO_TEST_CASE(a_file_may_name_an_excerpt_within_a_row) {
    mt::annealing::excerpt<mt::annealing::annealing_choice<>> cut{.of = 100_tok, .policy = mt::cosine{.from = 2, .to = 0}};
    mt::annealing::joined<mt::annealing::one_annealing>       row;
    row.parts = {{.over = 10_tok, .rate = mt::linear{.from = 0, .to = 2}}, {.over = 0_tok, .rate = cut}};
    mt::any_annealing const any = row;
    BOOST_TEST(any.fits(110_tok));
    BOOST_TEST(!any.fits(111_tok));
    BOOST_TEST(any.rate(at(35, 60)) == mt::cosine({.from = 2, .to = 0}).rate(at(25, 100)));
}

BOOST_AUTO_TEST_SUITE_END()
