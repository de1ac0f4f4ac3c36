#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>
#include <midtrain/position/longrope_search.hpp>

namespace mt = midtrain;

namespace {

constexpr mt::longrope of{.base = 1e4, .trained = 512, .extended = 2048};

/// Squared distance from factors that rise from 1 to 4, the square of the pair.
double from_wanted(mt::longrope const& p) {
    double total = p.start == 4 ? 0.0 : 0.3;
    for (std::size_t i = 0; i < 8; ++i) {
        double const x = static_cast<double>(i) / 7, d = p.long_factor[i] - (1 + 3 * x * x);
        total += d * d;
    }
    return total;
}
bool rises(mt::longrope const& p) {
    for (std::size_t i = 1; i < p.long_factor.size(); ++i)
        if (p.long_factor[i] < p.long_factor[i - 1]) return false;
    return p.long_factor.size() == 8;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(longrope_search)

BOOST_AUTO_TEST_CASE(finds_what_is_wanted) {
    std::vector<double> best;
    mt::index_t         last = 0;
    bool                all_rise = true, within = true;
    auto const found = mt::search_longrope({.starts = {0, 4, 16}, .seed = 7}, of, 16, [&](mt::longrope const& p) {
        all_rise &= rises(p);
        for (double f : p.long_factor) within &= f >= 1 && f <= 1.25 * 4;
        return from_wanted(p);
    }, [&](int generation, mt::longrope_found const& f, mt::index_t asked) {
        BOOST_TEST(generation == static_cast<int>(best.size()));
        best.push_back(f.value), last = asked;
    });
    BOOST_TEST(best.size() == 41u);
    BOOST_TEST(last == 64 + 40 * 32);
    for (std::size_t i = 1; i < best.size(); ++i) BOOST_TEST(best[i] <= best[i - 1]);
    BOOST_TEST((all_rise && within));
    BOOST_TEST(found.value == best.back());
    BOOST_TEST(found.value < 0.05);  // the best of interpolation, NTK and YaRN is at 1.9
    BOOST_TEST(found.policy.start == 4);
    BOOST_TEST((found.policy.trained == 512 && found.policy.extended == 2048 && found.policy.base == 1e4));
}
BOOST_AUTO_TEST_CASE(is_a_function_of_its_seed) {
    auto const once = [](std::uint64_t seed) {
        return mt::search_longrope({.generations = 5, .seed = seed}, of, 16, from_wanted).policy.long_factor;
    };
    auto const a = once(1), b = once(1), c = once(2);
    bool same = true, other = false;
    for (std::size_t i = 0; i < 8; ++i) same &= a[i] == b[i], other |= a[i] != c[i];
    BOOST_TEST((same && other));
}
BOOST_AUTO_TEST_CASE(may_leave_the_order) {
    bool rose = true;
    mt::search_longrope({.generations = 3, .monotone = false}, of, 16, [&](mt::longrope const& p) { return rose &= rises(p), from_wanted(p); });
    BOOST_TEST(!rose);
}
BOOST_AUTO_TEST_CASE(a_value_that_is_no_number_never_wins) {
    int        n = 0;
    auto const found = mt::search_longrope({.population = 8, .generations = 2}, of, 16, [&](mt::longrope const&) {
        return ++n % 2 ? std::numeric_limits<double>::quiet_NaN() : 1.0 / n;
    });
    BOOST_TEST((found.value > 0 && found.value < 1));
}
BOOST_AUTO_TEST_CASE(numbers_that_cannot_be_are_refused) {
    BOOST_CHECK_THROW(mt::search_longrope({.population = 2}, of, 16, from_wanted), mt::error);
    BOOST_CHECK_THROW(mt::search_longrope({.chance = 0}, of, 16, from_wanted), mt::error);
    BOOST_CHECK_THROW(mt::search_longrope({}, mt::longrope{.base = 1e4, .trained = 64, .extended = 32}, 16, from_wanted), mt::error);
    BOOST_CHECK_THROW(mt::search_longrope({}, of, 1024, from_wanted), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
