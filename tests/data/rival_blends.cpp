#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/data/sampler.hpp>
#include <midtrain/data/whole_shares.hpp>
#include <support/rival_blends.hpp>

namespace mt = midtrain;

namespace {

test::shares random_shares(std::size_t n, std::uint64_t seed) {
    test::shares w(n);
    double       total = 0;
    for (std::size_t i = 0; i < n; ++i) total += w[i] = std::pow(mt::random_stream{seed, 3}.uniform(i), 3.0) + 1e-3;
    for (auto& x : w) x /= total;
    return w;
}
std::vector<std::size_t> ours(test::shares const& w, std::int64_t length, std::uint64_t seed) {
    mt::data::sampler        s(w.size(), length, seed);
    std::vector<std::size_t> order;
    for (std::int64_t n = 0; n < length; ++n) order.push_back(s.next([&](std::int64_t, std::span<double> to) { std::copy(w.begin(), w.end(), to.begin()); }));
    return order;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rival_blends)

// For each number of sources, the farthest that any of 200 random mixtures ever strays. Megatron's may be nearer for one mixture and strays
// by more than a sequence for another; ours has a bound, and stays below the worst of each.
BOOST_AUTO_TEST_CASE(ours_never_strays_as_far) {
    constexpr std::int64_t length = 700;
    for (std::size_t n : {2, 3, 4, 5, 7, 10, 16}) {
        double worst[4] = {}, mean[4] = {};
        for (std::uint64_t seed = 0; seed < 200; ++seed) {
            auto const   w     = random_shares(n, seed * 100 + n);
            double const all[] = {test::farthest_from(w, ours(w, length, seed)), test::farthest_from(w, test::megatron_blend(w, length)),
                                  test::farthest_from(w, test::levanter_blocks(w, length, 128, seed)),
                                  test::farthest_from(w, test::olmo_mixture(w, length, seed))};
            for (int k = 0; k < 4; ++k) worst[k] = std::max(worst[k], all[k]), mean[k] += all[k] / 200;
            BOOST_TEST(all[0] < all[2], "levanter, " << n << " sources, seed " << seed);
            BOOST_TEST(all[0] < all[3], "OLMo-core, " << n << " sources, seed " << seed);
        }
        BOOST_TEST_MESSAGE(n << " sources: ours " << worst[0] << " (mean " << mean[0] << "), Megatron " << worst[1] << " (" << mean[1]
                             << "), levanter " << worst[2] << " (" << mean[2] << "), OLMo-core " << worst[3] << " (" << mean[3] << ")");
        BOOST_TEST(worst[0] <= 1 - 1 / static_cast<double>(2 * n - 2) + 1e-9);
        BOOST_TEST(worst[0] < worst[1]);
        if (n > 2) BOOST_TEST(worst[1] > 1);
    }
}
// levanter's blocks forget a source whose share of a block is below one; ours draws it as soon as it must be.
BOOST_AUTO_TEST_CASE(a_small_source_is_not_forgotten) {
    test::shares const w{.995, .005};
    auto const         count = [](auto const& order) { return std::count(order.begin(), order.end(), 1u); };
    BOOST_TEST(count(test::levanter_blocks(w, 1024, 128, 1)) == 0);
    BOOST_TEST(count(ours(w, 1024, 1)) == 5);
}
BOOST_AUTO_TEST_CASE(whole_shares_are_the_nearest) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        auto const         w        = random_shares(2 + seed % 9, seed);
        std::int64_t const all      = 1 + static_cast<std::int64_t>(mt::random_stream{seed, 9}.bits(0) % 100);
        auto               rounded  = w;
        double             sequences = 0;
        mt::data::round_to_whole_shares(rounded, all);
        for (std::size_t i = 0; i < w.size(); ++i) {
            double const n = rounded[i] * static_cast<double>(all);
            BOOST_REQUIRE(std::abs(n - std::round(n)) < 1e-9);
            BOOST_REQUIRE(std::abs(n - w[i] * static_cast<double>(all)) < 1 + 1e-9);
            sequences += n;
        }
        BOOST_TEST(std::llround(sequences) == all);
        auto again = rounded;
        mt::data::round_to_whole_shares(again, all);
        BOOST_TEST((again == rounded));
    }
}
// Weights that nobody could foresee, held over whole windows: at each window's end nothing is owed, so the bound stands throughout.
BOOST_AUTO_TEST_CASE(held_weights_keep_the_bound_whatever_comes_next) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
        std::size_t const  n      = 2 + seed % 7;
        std::int64_t const window = 3 + static_cast<std::int64_t>(seed % 11) * 4, length = window * 25;
        mt::data::sampler  s(n, length, seed);
        test::shares       w;
        double             worst = 0;
        for (std::int64_t k = 0; k < length; ++k) {
            if (k % window == 0) {
                for (std::size_t i = 0; i < n; ++i)
                    BOOST_REQUIRE(std::abs(s.now().asked[i] - static_cast<double>(s.now().drawn[i])) < 1e-9);
                w = random_shares(n, seed * 1000 + static_cast<std::uint64_t>(k));
                mt::data::round_to_whole_shares(w, window);
            }
            s.next([&](std::int64_t, std::span<double> to) { std::copy(w.begin(), w.end(), to.begin()); });
            for (std::size_t i = 0; i < n; ++i)
                worst = std::max(worst, std::abs(s.now().asked[i] - static_cast<double>(s.now().drawn[i])));
        }
        BOOST_TEST(worst <= (n > 2 ? 1 - 1 / static_cast<double>(2 * n - 2) : .5) + 1e-9);
    }
}

BOOST_AUTO_TEST_SUITE_END()
