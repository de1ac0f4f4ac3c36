#include <boost/test/unit_test.hpp>
#include <cmath>
#include <numeric>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/mixture/mixtures.hpp>

namespace mt = midtrain;

namespace mixtures_under_test {

template <class T>
struct sources {
    T web, code, maths;
};
template <class T>
struct lone {
    T all;
};
template <class T>
struct eight {
    T a, b, c, d, e, f, g, h;
};

static_assert(mt::source_count<sources> == 3 && mt::source_count<lone> == 1 && mt::source_count<eight> == 8);

constexpr mt::progress at(std::int64_t seen) { return {seen, {seen}, {1000}, {1}}; }

constexpr mt::fixed_mixture<sources>    fixed{.share = {.web = .5, .code = .3, .maths = .2}};
constexpr mt::annealed_mixture<sources> annealed{.from = {.web = .8, .code = .15, .maths = .05}, .to = {.web = .3, .code = .3, .maths = .4}};
constexpr mt::staged_mixture<sources>   staged{.first = {.web = 1, .code = 0, .maths = 0}, .until = mt::tokens{250}, .then = {.web = 0, .code = .5, .maths = .5}};

struct forgot_const {
    std::array<double, 1> weights(mt::progress) { return {1}; }
};
struct a_number {
    double weights(mt::progress) const { return 1; }
};
static_assert(mt::MixturePolicy<mt::fixed_mixture<sources>> && mt::MixturePolicy<mt::annealed_mixture<eight>> && mt::MixturePolicy<mt::staged_mixture<lone>>);
static_assert(!mt::MixturePolicy<forgot_const> && !mt::MixturePolicy<a_number>);
static_assert(annealed.weights(at(0))[0] == .8 && staged.weights(at(249))[0] == 1 && staged.weights(at(250))[0] == 0);

// A source left out does not compile: its weight has no default.
template <class W>
concept forgettable = requires { mt::fixed_mixture<sources>{.share = {W{.5}, W{.5}}}; };
static_assert(!forgettable<mt::weight>);

template <class Policy>
void keeps_the_law(Policy const& p) {
    for (std::int64_t t = 0; t <= 1000; ++t) {
        auto const w = p.weights(at(t));
        for (double x : w) BOOST_REQUIRE(x >= 0);
        BOOST_REQUIRE(std::abs(std::accumulate(w.begin(), w.end(), 0.0) - 1) < 1e-12);
    }
}

}  // namespace mixtures_under_test

using namespace mixtures_under_test;

BOOST_AUTO_TEST_SUITE(mixture)

BOOST_AUTO_TEST_CASE(none_negative_and_the_sum_is_one) { keeps_the_law(fixed), keeps_the_law(annealed), keeps_the_law(staged); }
BOOST_AUTO_TEST_CASE(annealed_goes_in_a_straight_line) {
    BOOST_TEST(std::abs(annealed.weights(at(500))[0] - .55) < 1e-15);
    BOOST_TEST(std::abs(annealed.weights(at(500))[2] - .225) < 1e-15);
    BOOST_TEST(annealed.weights(at(1000))[2] == .4);
}

BOOST_AUTO_TEST_SUITE_END()
