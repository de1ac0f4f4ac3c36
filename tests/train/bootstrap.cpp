#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/train/bootstrap.hpp>

namespace mt = midtrain;

namespace {

struct golden {
    mt::io::json                   all;
    std::vector<mt::document_loss> before, after;

    golden() {
        mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/bootstrap.json");
        all    = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, "bootstrap.json");
        before = losses("before"), after = losses("after");
    }
    std::vector<mt::document_loss> losses(char const* key) const {
        auto const&                    targets = *all.find("targets")->as<mt::io::json::array>();
        auto const&                    sums    = *all.find(key)->as<mt::io::json::array>();
        std::vector<mt::document_loss> v;
        for (std::size_t i = 0; i < sums.size(); ++i)
            v.push_back({*sums[i].as<double>(), static_cast<std::int64_t>(*targets[i].as<double>()), 0});
        return v;
    }
    double number(char const* of, char const* key) const { return *all.find(of)->find(key)->as<double>(); }
};

/// The 2.5 % point of 10,000 draws scatters by sqrt(.025 * .975 / 10000) / density, 0.027 standard deviations of a normal
/// distribution; four times that, and a little for scipy's own 200,000.
void agrees(mt::interval const& got, golden const& g, char const* with) {
    double const error = 0.12 * g.number(with, "deviation");
    BOOST_TEST_CONTEXT(with) {
        BOOST_TEST(std::abs(got.value - g.number(with, "value")) < 1e-12 * std::abs(got.value));
        BOOST_TEST(std::abs(got.low - g.number(with, "low")) < error);
        BOOST_TEST(std::abs(got.high - g.number(with, "high")) < error);
    }
}

double normal(mt::random_stream const& s, std::uint64_t n) {
    return std::sqrt(-2 * std::log(1 - s.uniform(2 * n))) * std::cos(2 * std::numbers::pi * s.uniform(2 * n + 1));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bootstrap)

BOOST_AUTO_TEST_CASE(intervals_are_those_of_scipy) {
    golden const g;
    agrees(mt::bootstrap_mean(g.before), g, "mean_before");
    agrees(mt::bootstrap_mean(g.after), g, "mean_after");
    agrees(mt::bootstrap_difference(g.before, g.after), g, "difference");
}
BOOST_AUTO_TEST_CASE(a_seed_says_what_is_drawn) {
    golden const g;
    auto const   a = mt::bootstrap_difference(g.before, g.after), b = mt::bootstrap_difference(g.before, g.after);
    auto const   c = mt::bootstrap_difference(g.before, g.after, {.seed = 1});
    BOOST_TEST(a.low == b.low);
    BOOST_TEST(a.high == b.high);
    BOOST_TEST(a.value == c.value);
    BOOST_TEST(a.low != c.low);
}
BOOST_AUTO_TEST_CASE(pairs_see_what_means_alone_do_not) {
    golden const g;
    auto const   before = mt::bootstrap_mean(g.before), after = mt::bootstrap_mean(g.after), pair = mt::bootstrap_difference(g.before, g.after);
    BOOST_TEST(before.low < after.high);  // the two intervals overlap,
    BOOST_TEST(pair.high < 0);            // yet every document became a little easier
    BOOST_TEST(std::abs(pair.value - (after.value - before.value)) < 1e-12);
}
BOOST_AUTO_TEST_CASE(nineteen_of_twenty_intervals_hold_the_truth) {
    // 60 documents of 20 to 219 tokens whose mean losses have mean 2; the truth is the mean over tokens, 2. A percentile interval of 60
    // ratios is known to be a little narrow. 500 repetitions: one standard deviation is 0.01.
    int held = 0;
    for (std::uint64_t r = 0; r < 500; ++r) {
        mt::random_stream const        draws{11, r};
        std::vector<mt::document_loss> d(60);
        for (std::uint64_t i = 0; i < d.size(); ++i) {
            d[i].targets = 20 + static_cast<std::int64_t>(draws.bits(1000 + i) % 200);
            d[i].loss    = static_cast<double>(d[i].targets) * (2 + 0.4 * normal(draws, i));
        }
        auto const at = mt::bootstrap_mean(d, {.resamples = 400, .seed = r});
        held += at.low <= 2 && 2 <= at.high;
    }
    BOOST_TEST(held >= 0.90 * 500);
    BOOST_TEST(held <= 0.98 * 500);
}
BOOST_AUTO_TEST_CASE(documents_without_targets_change_nothing) {
    golden     g;
    auto const a = mt::bootstrap_difference(g.before, g.after);
    g.before.insert(g.before.begin() + 3, mt::document_loss{});
    g.after.insert(g.after.begin() + 3, mt::document_loss{});
    BOOST_TEST(mt::bootstrap_difference(g.before, g.after).low == a.low);
}
BOOST_AUTO_TEST_CASE(other_documents_are_refused) {
    golden     g;
    auto const says = [](std::string part) { return [part](mt::error const& e) { return std::string(e.what()).find(part) != std::string::npos; }; };
    g.after[7].targets += 1;
    BOOST_CHECK_EXCEPTION(mt::bootstrap_difference(g.before, g.after), mt::error, says("document 7 has"));
    g.after.pop_back();
    BOOST_CHECK_EXCEPTION(mt::bootstrap_difference(g.before, g.after), mt::error, says("90 before, 89 after"));
    BOOST_CHECK_EXCEPTION(mt::bootstrap_mean({}), mt::error, says("at least one document"));
}

BOOST_AUTO_TEST_SUITE_END()
