#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>
#include <laws/laws.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/mixture/bounded.hpp>
#include <midtrain/mixture/doremi.hpp>
#include <midtrain/mixture/odm.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace looking_back {

template <class T>
struct sources {
    T web, code, maths;
};
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr sources<mt::weight> even{.web = 1 / 3., .code = 1 / 3., .maths = 1 / 3.};

using doremi = mt::doremi_mixture<sources>;
using odm    = mt::odm_mixture<sources>;
static_assert(mt::MixtureLooksBack<doremi> && mt::MixtureLooksBack<odm> && mt::MixtureLooksBack<mt::capped_mixture<sources, odm>>);
static_assert(!mt::MixtureLooksBack<mt::fixed_mixture<sources>> && mt::window_of(mt::capped_mixture<sources>{{even}, {{1_tok}, {1_tok}, {1_tok}}, {1, 1, 1}}) == 0);
struct without_window {
    std::array<double, 1> weights(mt::progress, mt::loss_record const&) const { return {1}; }
};
static_assert(!mt::MixturePolicy<without_window>);

/// Losses that fall, each source at its own speed; a few are missing.
std::vector<double> losses(std::int64_t steps, std::uint64_t seed) {
    std::vector<double> all;
    for (std::int64_t n = 0; n < steps; ++n) {
        all.push_back(3);
        for (int i = 0; i < 3; ++i) {
            double const noise = mt::random_stream{seed, static_cast<std::uint64_t>(i)}.uniform(static_cast<std::uint64_t>(n));
            all.push_back(noise > .97 ? nan : 2.0 + i + 2 * std::exp(-static_cast<double>(n) / (20.0 * (1 + i))) + .2 * noise);
        }
    }
    return all;
}
mt::progress after(std::int64_t steps) { return {steps, {steps * 1000}, 1_Mtok, 1000_tok}; }
mt::loss_record seen(std::vector<double> const& all, std::int64_t steps, std::int64_t begin = 0) {
    return {.values = std::span(all).first(static_cast<std::size_t>(4 * steps)), .sources = 3, .stage_begin = begin};
}

/// The same from the papers, written plainly: every update a loop over what was recorded, with std::exp.
std::array<double, 3> plain_doremi(std::vector<double> const& all, std::int64_t windows, std::int64_t hold, std::array<double, 3> reference, double eta,
                                   double c) {
    std::array<double, 3> w{1 / 3., 1 / 3., 1 / 3.};
    for (std::int64_t n = 0; n < windows; ++n) {
        double total = 0;
        for (int i = 0; i < 3; ++i) {
            double sum = 0, count = 0;
            for (std::int64_t s = n * hold; s < (n + 1) * hold; ++s)
                if (double const x = all[static_cast<std::size_t>(4 * s + 1 + i)]; std::isfinite(x)) sum += x, ++count;
            total += w[i] *= std::exp(eta * std::max(count > 0 ? sum / count - reference[i] : 0.0, 0.0));
        }
        for (double& x : w) x = (1 - c) * x / total + c / 3;
    }
    return w;
}
std::array<double, 3> plain_odm(std::vector<double> const& all, std::int64_t windows, std::int64_t hold, double alpha) {
    std::array<double, 3> w{1 / 3., 1 / 3., 1 / 3.}, reward{};
    double                before = 1 / 3.;
    for (std::int64_t t = 1; t <= windows; ++t) {
        double total = 0;
        for (int i = 0; i < 3; ++i) {
            double sum = 0, count = 0;
            for (std::int64_t s = (t - 1) * hold; s < t * hold; ++s)
                if (double const x = all[static_cast<std::size_t>(4 * s + 1 + i)]; std::isfinite(x)) sum += x, ++count;
            if (count > 0) reward[i] = alpha * reward[i] + (1 - alpha) * sum / count / w[i];
            total += std::exp(before * reward[i]);
        }
        double const now = std::min(1 / 3., std::sqrt(std::log(3.) / (3. * static_cast<double>(t))));
        for (int i = 0; i < 3; ++i) w[i] = (1 - 3 * now) * std::exp(before * reward[i]) / total + now;
        before = now;
    }
    return w;
}
template <class A, class B>
double farthest(A const& a, B const& b) {
    double far = 0;
    for (std::size_t i = 0; i < a.size(); ++i) far = std::max(far, std::abs(a[i] - b[i]));
    return far;
}
template <class Policy>
void keeps_the_law(Policy const& p, std::vector<double> const& all, std::int64_t steps) {
    for (std::int64_t n = 0; n <= steps; ++n) {
        auto const w = p.weights(after(n), seen(all, n));
        double     s = 0;
        for (double x : w) {
            BOOST_REQUIRE(x >= 0);
            s += x;
        }
        BOOST_REQUIRE(std::abs(s - 1) < 1e-14);
        // Held over the window, whatever was recorded since; and the same when asked of a record that goes on.
        BOOST_REQUIRE((w == p.weights(after(n / p.window() * p.window()), seen(all, n))));
        BOOST_REQUIRE((w == p.weights(after(n), seen(all, n / p.window() * p.window()))));
        BOOST_REQUIRE((w == p.weights(after(n), seen(all, steps))));
    }
}

}  // namespace looking_back

using namespace looking_back;

BOOST_AUTO_TEST_SUITE(mixtures_that_look_back)

BOOST_AUTO_TEST_CASE(they_are_weights_and_hold_them_for_a_window) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        auto const all = losses(300, seed);
        keeps_the_law(doremi{.prior = even, .reference = {2.1, 3.5, 4.9}, .hold = 7}, all, 300);
        keeps_the_law(odm{.prior = even, .hold = 10, .warmup = 25}, all, 300);
        // begin: capped_odm
        mt::capped_mixture<sources, mt::odm_mixture<sources>> const capped{
            .of = {.prior = even, .hold = 5}, .sizes = {500_ktok, 500_ktok, 100_ktok}, .epochs = {1, 1, 2}};
        // end: capped_odm
        keeps_the_law(capped, all, 300);
    }
    // Without a record they are their prior, so that a plan can be made.
    BOOST_TEST(laws::mixture(doremi{.prior = even, .reference = {1, 1, 1}, .hold = 10}, 1'000'003_tok) == "");
    BOOST_TEST(laws::mixture(odm{.prior = even, .hold = 10}, 1'000'003_tok) == "");
}
BOOST_AUTO_TEST_CASE(doremi_is_the_papers) {
    auto const   all = losses(200, 3);
    doremi const p{.prior = even, .reference = {2.5, 2.5, 4.5}, .hold = 8, .step_size = .7, .smoothing = 1e-2};
    for (std::int64_t n : {0, 7, 8, 80, 199, 200})
        BOOST_TEST(farthest(p.weights(after(n), seen(all, n)), plain_doremi(all, n / 8, 8, {2.5, 2.5, 4.5}, .7, 1e-2)) < 1e-13);
    // A window of one step by hand: excess 1, 0 (clipped) and 2.
    std::vector<double> const row{0, 3, 1, 5};
    auto const                w = doremi{.prior = even, .reference = {2, 2, 3}, .hold = 1, .smoothing = 0}.weights(after(1), seen(row, 1));
    double const              e = std::exp(1.0);
    BOOST_TEST(farthest(w, std::array{e / (e + 1 + e * e), 1 / (e + 1 + e * e), e * e / (e + 1 + e * e)}) < 1e-15);
}
BOOST_AUTO_TEST_CASE(doremis_mean_is_that_of_its_windows) {
    auto const            all = losses(100, 5);
    doremi const          p{.prior = even, .reference = {2, 2, 2}, .hold = 10};
    std::array<double, 3> mean{};
    for (std::int64_t k = 0; k <= 10; ++k) {
        auto const w = p.weights(after(10 * k), seen(all, 10 * k));
        for (int i = 0; i < 3; ++i) mean[i] += w[i] / 11;
    }
    BOOST_TEST(farthest(p.mean_weights(after(100), seen(all, 100)), mean) < 1e-14);
}
BOOST_AUTO_TEST_CASE(odm_is_the_papers) {
    auto const all = losses(400, 4);
    odm const  p{.prior = even, .hold = 5};
    for (std::int64_t n : {0, 4, 5, 50, 399, 400})
        BOOST_TEST(farthest(p.weights(after(n), seen(all, n)), plain_odm(all, n / 5, 5, .9)) < 1e-13);
    // A warm-up of 12 steps is three windows, whose losses do not count: then all is as if the record began there.
    odm const                 late{.prior = even, .hold = 5, .warmup = 12};
    std::vector<double> const rest(all.begin() + 4 * 15, all.end());
    BOOST_TEST((late.weights(after(15), seen(all, 15)) == mt::as_array(even)));
    BOOST_TEST(farthest(late.weights(after(115), seen(all, 115)), plain_odm(rest, 20, 5, .9)) < 1e-13);
}
BOOST_AUTO_TEST_CASE(a_source_without_weight_stays_without) {
    auto const                  all = losses(50, 6);
    sources<mt::weight> const   two{.web = .5, .code = .5, .maths = 0};
    BOOST_TEST((odm{.prior = two, .hold = 5}.weights(after(50), seen(all, 50))[2] == 0));
    BOOST_TEST((doremi{.prior = two, .reference = {1, 1, 1}, .hold = 5}.weights(after(50), seen(all, 50))[2] == 0));
}
BOOST_AUTO_TEST_CASE(what_is_no_number_and_what_is_huge_leave_weights) {
    auto all = losses(40, 7);
    all[4 * 11 + 2] = std::numeric_limits<double>::infinity(), all[4 * 12 + 1] = 1e300;
    keeps_the_law(doremi{.prior = even, .reference = {1, 1, 1}, .hold = 3}, all, 40);
    keeps_the_law(odm{.prior = even, .hold = 3}, all, 40);
}
BOOST_AUTO_TEST_CASE(a_stage_looks_at_its_own_rows) {
    auto const        all = losses(120, 8);
    std::vector<double> const late(all.begin() + 4 * 70, all.end());
    odm const         p{.prior = even, .hold = 5};
    BOOST_TEST((p.weights(after(50), seen(all, 120, 70)) == p.weights(after(50), seen(late, 50))));
}
BOOST_AUTO_TEST_CASE(all_windows_of_a_long_stage_cost_little) {
    // 20,000 steps in windows of ten: 2,000 times the rows so far, 20 million rows of three sources in all.
    auto const all   = losses(20'000, 9);
    odm const  p{.prior = even, .hold = 10};
    auto const start = std::chrono::steady_clock::now();
    double     sum   = 0;
    for (std::int64_t n = 0; n <= 20'000; n += 10) sum += p.weights(after(n), seen(all, n))[0];
    double const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    BOOST_TEST_MESSAGE("20,000 steps in 2,000 windows: " << seconds << " s in all");
    BOOST_TEST(sum > 0);
    BOOST_TEST(seconds < 60);  // one second where it was written, beside six compilers; this only catches another order of growth
}

BOOST_AUTO_TEST_SUITE_END()
