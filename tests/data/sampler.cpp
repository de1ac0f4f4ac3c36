#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <vector>
#include <midtrain/core/permutation.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/data/sampler.hpp>

namespace mt = midtrain;

namespace {

using weights = std::vector<double>;

weights random_weights(std::size_t n, std::uint64_t seed) {
    weights w(n);
    double  total = 0;
    for (std::size_t i = 0; i < n; ++i) total += w[i] = std::pow(mt::random_stream{seed, 3}.uniform(i), 3.0) + 1e-3;
    for (auto& x : w) x /= total;
    return w;
}

/// Weights that go from a to b in a straight line over the stage.
auto between(weights a, weights b, std::int64_t length) {
    return [=](std::int64_t at, std::span<double> out) {
        double const t = static_cast<double>(at) / static_cast<double>(length);
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = a[i] + (b[i] - a[i]) * t;
    };
}

/// Tijdeman's bound for n sources. Sums of 700 weights round by less than what is added.
double bound(std::size_t n) { return (n > 2 ? 1 - 1 / static_cast<double>(2 * n - 2) : 0.5) + 1e-9; }

/// The largest distance between what was drawn and what was asked for, over all prefixes and sources.
template <class WeightsAt>
double worst_of_deadlines(std::size_t sources, std::int64_t length, WeightsAt const& at) {
    mt::data::sampler s(sources, length, 5);
    double            worst = 0;
    for (std::int64_t n = 0; n < length; ++n) {
        s.next(at);
        for (std::size_t i = 0; i < sources; ++i)
            worst = std::max(worst, std::abs(static_cast<double>(s.now().drawn[i]) - s.now().asked[i]));
    }
    return worst;
}

double worst_of_largest_deficit(weights const& w, std::int64_t length) {
    weights asked(w.size()), drawn(w.size());
    double  worst = 0;
    for (std::int64_t n = 0; n < length; ++n) {
        std::size_t best = 0;
        for (std::size_t i = 0; i < w.size(); ++i) asked[i] += w[i];
        for (std::size_t i = 0; i < w.size(); ++i)
            if (asked[i] - drawn[i] > asked[best] - drawn[best]) best = i;
        ++drawn[best];
        for (std::size_t i = 0; i < w.size(); ++i) worst = std::max(worst, std::abs(drawn[i] - asked[i]));
    }
    return worst;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sampler)

BOOST_AUTO_TEST_CASE(every_prefix_is_within_the_bound_for_constant_weights) {
    for (std::size_t n = 1; n <= 16; ++n)
        for (std::uint64_t seed = 0; seed < 20; ++seed) {
            auto const w = random_weights(n, seed * 100 + n);
            BOOST_TEST(worst_of_deadlines(n, 700, between(w, w, 700)) < bound(n));
        }
}
BOOST_AUTO_TEST_CASE(every_prefix_is_within_the_bound_for_changing_weights) {
    for (std::size_t n = 2; n <= 16; ++n)
        for (std::uint64_t seed = 0; seed < 20; ++seed)
            BOOST_TEST(worst_of_deadlines(n, 700, between(random_weights(n, seed), random_weights(n, seed + 1000), 700)) < bound(n));
}
BOOST_AUTO_TEST_CASE(the_largest_deficit_does_not_keep_that_bound) {
    double worst = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) worst = std::max(worst, worst_of_largest_deficit(random_weights(7, seed), 700));
    BOOST_TEST(worst > 1.0);
}
BOOST_AUTO_TEST_CASE(a_source_without_weight_is_never_drawn) {
    mt::data::sampler s(3, 100, 1);
    auto const        at = between({0.5, 0.0, 0.5}, {0.5, 0.0, 0.5}, 100);
    for (int n = 0; n < 100; ++n) BOOST_TEST(s.next(at) != 1u);
}
BOOST_AUTO_TEST_CASE(it_goes_on_from_its_state_as_if_never_stopped) {
    auto const        at = between(random_weights(5, 1), random_weights(5, 2), 300);
    mt::data::sampler whole(5, 300, 9), first(5, 300, 9), second(5, 300, 9);
    std::vector<std::size_t> a, b;
    for (int n = 0; n < 300; ++n) a.push_back(whole.next(at));
    for (int n = 0; n < 137; ++n) b.push_back(first.next(at));
    second.resume(first.now());
    for (int n = 137; n < 300; ++n) b.push_back(second.next(at));
    BOOST_TEST(a == b);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(permutation)

BOOST_AUTO_TEST_CASE(every_size_is_a_permutation) {
    for (std::uint64_t n : {1, 2, 3, 7, 64, 65, 1000, 4097}) {
        std::set<std::uint64_t>     seen;
        mt::permutation const   p(n, 42);
        for (std::uint64_t i = 0; i < n; ++i) seen.insert(p(i));
        BOOST_TEST(seen.size() == n);
        BOOST_TEST(*seen.rbegin() == n - 1);
    }
}
BOOST_AUTO_TEST_CASE(keys_give_other_orders_and_neighbours_part) {
    mt::permutation const a(10'000, 1), b(10'000, 2);
    int                   equal = 0, adjacent = 0;
    for (std::uint64_t i = 0; i + 1 < 10'000; ++i) {
        equal += a(i) == b(i);
        adjacent += a(i) + 1 == a(i + 1);
    }
    BOOST_TEST(equal < 10);     // one is expected
    BOOST_TEST(adjacent < 10);  // one is expected
}

BOOST_AUTO_TEST_SUITE_END()
