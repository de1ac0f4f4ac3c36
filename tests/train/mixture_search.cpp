#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <vector>
#include <midtrain/train/dirichlet.hpp>
#include <midtrain/train/mixture_search.hpp>

namespace mt = midtrain;

namespace {

/// Each source helps its own target most and the others a little: a law whose best mixture lies inside.
mt::mixture_law known_law() { return {false, {{-0.5, 1.6, 1.6}, {1.5, 0, 1.5}, {2, 2, -0.6}}}; }

std::vector<double> best_on_a_grid(auto const& loss, int parts) {
    std::vector<double> best;
    double              least = 1e300;
    for (int a = 0; a <= parts; ++a)
        for (int b = 0; a + b <= parts; ++b) {
            std::vector<double> const x{1.0 * a / parts, 1.0 * b / parts, 1.0 * (parts - a - b) / parts};
            if (double const l = loss(x); l < least) least = l, best = x;
        }
    return best;
}

template <class LossOf>
std::vector<mt::mixture_trial> trials_of(LossOf const& losses, std::size_t count, double noise, std::uint64_t seed) {
    std::mt19937_64                  engine(seed);
    std::normal_distribution<double> of(0, noise);
    std::vector<mt::mixture_trial>   all;
    for (auto const& shares : mt::dirichlet_mixtures(std::vector<double>{1, 1, 1}, count, 4, seed)) {
        auto l = losses(shares);
        for (double& x : l) x *= std::exp(of(engine));
        all.push_back({shares, l});
    }
    return all;
}
std::vector<double> known_losses(std::vector<double> const& shares) {
    auto const law = known_law();
    return {std::exp(law.log_loss(0, shares)), std::exp(law.log_loss(1, shares)), std::exp(law.log_loss(2, shares))};
}
auto says(std::string const& what) {
    return [what](mt::error const& e) { return std::string(e.what()).find(what) != std::string::npos; };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mixture_search)

BOOST_AUTO_TEST_CASE(dirichlets_mixtures_have_its_mean_and_variance) {
    std::vector<double> const around{0.5, 0.3, 0.2, 0.0};
    auto const                all = mt::dirichlet_mixtures(around, 20'001, 3, 5);
    BOOST_TEST(all[0] == around, boost::test_tools::per_element());
    for (std::size_t j = 0; j < 3; ++j) {
        double mean = 0, square = 0;
        for (std::size_t i = 1; i < all.size(); ++i) mean += all[i][j] / 2e4, square += all[i][j] * all[i][j] / 2e4;
        double const variance = around[j] * (1 - around[j]) / 4;  // m (1 - m) / (pseudo-counts + 1)
        BOOST_TEST(std::abs(mean - around[j]) < 4 * std::sqrt(variance / 2e4));
        BOOST_TEST(std::abs((square - mean * mean) / variance - 1) < 0.05);  // variances of 20,000 draws are known to 1 or 2 %
    }
    for (auto const& x : all) {
        BOOST_REQUIRE(std::abs(std::accumulate(x.begin(), x.end(), 0.0) - 1) < 1e-12);
        BOOST_REQUIRE(x[3] == 0);
    }
    BOOST_TEST(mt::dirichlet_mixtures(around, 9, 3, 5)[8] == all[8], boost::test_tools::per_element());  // of its number alone
    auto const far = mt::dirichlet_mixtures(around, 100, 1e-3, 5);  // nearly always one source alone, and never nothing
    for (auto const& x : far) BOOST_REQUIRE(std::isfinite(x[0]));
    BOOST_CHECK_EXCEPTION(mt::dirichlet_mixtures(std::vector<double>{1, -1}, 3, 1, 1), mt::error, says("a share is negative"));
}
BOOST_AUTO_TEST_CASE(shares_are_moved_and_cut_to_their_bounds) {
    mt::share_bounds bounds{{0.1, 0, 0}, {1, 0.3, 1}};
    bounds.fill(3);
    auto const x = mt::nearest_shares({-1, 2, 0.5}, bounds);
    BOOST_TEST(x[0] == 0.1);
    BOOST_TEST(x[1] == 0.3);
    BOOST_TEST(std::abs(x[2] - 0.6) < 1e-12);
    mt::share_bounds impossible{{0.6, 0.6, 0}, {}};
    BOOST_CHECK_EXCEPTION(impossible.fill(3), mt::error, says("no shares that sum to one"));
}
BOOST_AUTO_TEST_CASE(the_best_shares_of_a_law_are_those_of_a_fine_grid) {
    auto const                law = known_law();
    std::vector<double> const importance{1, 2, 1};
    mt::share_bounds          bounds;
    bounds.fill(3);
    auto const got = mt::best_shares(law, importance, bounds, std::vector<double>{1, 0, 0}), want = best_on_a_grid([&](auto const& x) { return law.loss(x, importance); }, 400);
    for (std::size_t j = 0; j < 3; ++j) BOOST_TEST(std::abs(got[j] - want[j]) < 1.0 / 200);  // the grid's own width
    BOOST_TEST(law.loss(got, importance) <= law.loss(want, importance));
}
BOOST_AUTO_TEST_CASE(trials_without_noise_give_the_law_and_its_best_mixture_back) {
    auto const s = mt::suggest_mixture(trials_of(known_losses, 12, 0, 3), {.resamples = 50});
    auto const want = best_on_a_grid([&](auto const& x) { return known_law().loss(x, std::vector<double>{1, 1, 1}); }, 400);
    for (std::size_t j = 0; j < 3; ++j) BOOST_TEST(std::abs(s.shares[j].value - want[j]) < 0.006);
    BOOST_TEST(s.rank_correlation > 0.99);
    auto const narrow = mt::suggest_mixture(trials_of(known_losses, 12, 0, 3), {.bounds = {{}, {1, 0.1, 1}}, .resamples = 5});
    BOOST_TEST(narrow.shares[1].value <= 0.1);
    for (std::size_t t = 0; t < 3; ++t)
        for (std::size_t j = 0; j < 3; ++j) BOOST_TEST(std::abs(s.law.slope[t][j] - known_law().slope[t][j]) < 1e-3);
}
BOOST_AUTO_TEST_CASE(intervals_hold_the_best_mixture_about_as_often_as_they_say) {
    auto const want = best_on_a_grid([&](auto const& x) { return known_law().loss(x, std::vector<double>{1, 1, 1}); }, 400);
    int        held = 0, all = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        auto const s = mt::suggest_mixture(trials_of(known_losses, 24, 0.02, seed), {.resamples = 100});
        for (std::size_t j = 0; j < 3; ++j) held += s.shares[j].low <= want[j] && want[j] <= s.shares[j].high, ++all;
        BOOST_TEST(known_law().loss(std::vector<double>{s.shares[0].value, s.shares[1].value, s.shares[2].value}, std::vector<double>{1, 1, 1}) <
                   known_law().loss(std::vector<double>{1. / 3, 1. / 3, 1. / 3}, std::vector<double>{1, 1, 1}));
    }
    BOOST_TEST(held >= 0.8 * all, held << " of " << all);  // 95 % is claimed; percentiles of 24 trials fall a little short
}
BOOST_AUTO_TEST_CASE(a_law_of_another_form_is_still_followed_to_a_good_mixture) {
    // Power laws with a floor, as losses have: the law is wrong, its advice should be nearly as good as the best.
    auto const losses = [](std::vector<double> const& x) {
        return std::vector<double>{2 + 0.5 * std::pow(x[0] + 0.2 * x[1] + 0.02, -0.3), 1.5 + 0.8 * std::pow(x[1] + 0.1 * x[0] + 0.02, -0.3),
                                   1 + 0.9 * std::pow(x[2] + 0.02, -0.4)};
    };
    auto const mean = [&](std::vector<double> const& x) {
        auto const l = losses(x);
        return (l[0] + l[1] + l[2]) / 3;
    };
    auto const s    = mt::suggest_mixture(trials_of(losses, 32, 0.003, 2), {.resamples = 50});
    auto const best = mean(best_on_a_grid(mean, 200)), even = mean({1. / 3, 1. / 3, 1. / 3}), got = mean({s.shares[0].value, s.shares[1].value, s.shares[2].value});
    BOOST_TEST(got - best < (even - best) / 8, "best " << best << ", even " << even << ", suggested " << got);
    BOOST_TEST(s.rank_correlation > 0.8);
}
BOOST_AUTO_TEST_CASE(what_cannot_be_searched_is_refused_with_a_reason) {
    auto all = trials_of(known_losses, 8, 0, 1);
    BOOST_CHECK_EXCEPTION(mt::suggest_mixture(std::vector(all.begin(), all.begin() + 4)), mt::error, says("needs 5 trials at least, and there are 4"));
    BOOST_CHECK_EXCEPTION(mt::suggest_mixture(all, {.bounds = {{0.999, 0, 0}, {}}, .resamples = 5}), mt::error, says("no shares between the bounds lie within what the trials tried"));
    all[3].losses[1] = std::nan("");
    BOOST_CHECK_EXCEPTION(mt::suggest_mixture(all), mt::error, says("not a positive number"));
    all[3].losses.pop_back();
    BOOST_CHECK_EXCEPTION(mt::suggest_mixture(all), mt::error, says("the same sources and held-out losses"));
}

BOOST_AUTO_TEST_SUITE_END()
