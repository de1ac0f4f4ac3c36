#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/averaging/blend.hpp>
#include <midtrain/averaging/ema.hpp>
#include <midtrain/averaging/merged_decay.hpp>
#include <midtrain/averaging/none.hpp>
#include <midtrain/averaging/soup.hpp>
#include <midtrain/averaging/tail.hpp>
#include <midtrain/concepts/averaging_policy.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace mt = midtrain;

namespace {

using row   = std::vector<double>;
using table = std::vector<row>;

constexpr std::int64_t batch = 100;  // tokens a step

/// The running average after each step.
template <class Policy>
table averages(Policy const& policy, table const& weights) {
    table all;
    row   average(weights[0].size(), 0.0);
    for (std::size_t n = 1; n <= weights.size(); ++n) {
        auto const   done  = static_cast<std::int64_t>(n);
        double const share = policy.share({done, {done * batch}, {static_cast<std::int64_t>(weights.size()) * batch}, {batch}});
        BOOST_TEST((share >= 0 && share <= 1));
        auto const size = static_cast<mt::index_t>(average.size());
        mt::averaging::blend<double> const step{{weights[n - 1].data(), size}, {average.data(), size}, share};
        if (share > 0)
            for (mt::index_t i = 0; i < size; ++i) step(i);
        all.push_back(average);
    }
    return all;
}
/// How much each step counts in the end: the average of unit vectors.
template <class Policy>
row counted(Policy const& policy, std::size_t steps) {
    table unit(steps, row(steps, 0.0));
    for (std::size_t i = 0; i < steps; ++i) unit[i][i] = 1;
    return averages(policy, unit).back();
}
double apart(row const& a, row const& b) {
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
    return worst;
}

struct golden {
    mt::io::mapped_file const file{MIDTRAIN_SOURCE_DIR "/tests/golden/averages.json"};
    mt::io::json const all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());

    static row as_row(mt::io::json const& j) {
        row r;
        for (auto const& x : *j.as<mt::io::json::array>()) r.push_back(*x.as<double>());
        return r;
    }
    table rows(char const* name) const {
        table t;
        for (auto const& r : *all.find(name)->as<mt::io::json::array>()) t.push_back(as_row(r));
        return t;
    }
};

struct almost {
    double share(mt::progress) { return 1; }  // forgot const
};
static_assert(mt::AveragingPolicy<mt::ema> && mt::AveragingPolicy<mt::ema_by_tokens> && mt::AveragingPolicy<mt::polyak_tail> &&
              mt::AveragingPolicy<mt::uniform_soup> && mt::AveragingPolicy<mt::soup<2>> && mt::AveragingPolicy<mt::merged_decay<mt::linear>>);
static_assert(!mt::AveragingPolicy<almost> && !mt::AveragingPolicy<mt::averaging::none>);

}  // namespace

BOOST_AUTO_TEST_SUITE(averaging)

// Rounding of two dozen operations in double is all that may lie between.
BOOST_AUTO_TEST_CASE(an_exponential_average_is_torchs) {
    golden const g;
    auto const   ours = averages(mt::ema{.decay = 0.9}, g.rows("weights")), theirs = g.rows("ema");
    for (std::size_t n = 0; n < theirs.size(); ++n) BOOST_TEST(apart(ours[n], theirs[n]) < 1e-13);
}
BOOST_AUTO_TEST_CASE(a_uniform_soup_is_torchs_averaged_model) {
    golden const g;
    auto const   ours = averages(mt::uniform_soup{.first = 4, .every = 2}, g.rows("weights")), theirs = g.rows("swa");
    BOOST_REQUIRE(theirs.size() == ours.size() - 3);
    for (std::size_t n = 0; n < theirs.size(); ++n) BOOST_TEST(apart(ours[n + 3], theirs[n]) < 1e-13);
}
BOOST_AUTO_TEST_CASE(a_merge_of_a_constant_run_is_the_run_that_decays) {
    golden const g;
    mt::merged_decay<mt::linear> const policy{.window = {10 * batch}, .every = {batch}, .decay = {.from = 11, .to = 1}};
    auto const ours = averages(policy, g.rows("weights_sgd")).back();
    // Between them: the rate after update i of ten is 1 - i / 11, what linear from 11 to 1 over ten says.
    BOOST_TEST(apart(ours, golden::as_row(*g.all.find("decayed"))) < 1e-13);
}
BOOST_AUTO_TEST_CASE(coefficients_of_a_merge_are_those_of_the_theorem) {
    mt::merged_decay<mt::cosine> const policy{.window = {8 * batch}, .every = {2 * batch}, .decay = {.from = 1, .to = 0}};
    auto const c = counted(policy, 20);
    for (std::int64_t j = 0; j <= 4; ++j)
        BOOST_TEST(std::abs(c[static_cast<std::size_t>(11 + 2 * j)] - (policy.kept(j) - policy.kept(j + 1))) < 1e-14);
    double sum = 0;
    for (double x : c) sum += x;
    BOOST_TEST(std::abs(sum - 1) < 1e-14);
    // Steps that pass several places count for all of them.
    mt::merged_decay<mt::cosine> const fine{.window = {8 * batch}, .every = {batch / 2}, .decay = {.from = 1, .to = 0}};
    auto const f = counted(fine, 20);
    BOOST_TEST(std::abs(f[15] - (fine.kept(7) - fine.kept(9))) < 1e-14);
}
BOOST_AUTO_TEST_CASE(a_corrected_average_counts_its_first_weights_like_any_other) {
    auto const c = counted(mt::ema{.decay = 0.8, .start = mt::averaging::ema_start::corrected}, 6);
    double     total = 0;
    for (int i = 0; i < 6; ++i) total += std::pow(0.8, i);
    for (std::size_t i = 0; i < 6; ++i) BOOST_TEST(std::abs(c[i] - std::pow(0.8, 5 - static_cast<int>(i)) / total) < 1e-14);
}
BOOST_AUTO_TEST_CASE(a_half_life_in_tokens_is_a_decay_by_steps) {
    for (auto const start : {mt::averaging::ema_start::first_weights, mt::averaging::ema_start::corrected}) {
        auto const a = counted(mt::ema_by_tokens{.half_life = {3 * batch}, .start = start}, 12);
        auto const b = counted(mt::ema{.decay = std::pow(2.0, -1.0 / 3), .start = start}, 12);
        BOOST_TEST(apart(a, b) < 1e-14);
    }
}
BOOST_AUTO_TEST_CASE(a_tail_counts_its_steps_alike_and_a_soup_as_told) {
    auto const tail = counted(mt::polyak_tail{.fraction = 0.25}, 20);
    for (std::size_t i = 0; i < 20; ++i) BOOST_TEST(std::abs(tail[i] - (i < 15 ? 0.0 : 0.2)) < 1e-15);
    auto const soup = counted(mt::soup<3>{.of = {{.step = 2}, {.step = 5, .weight = 3}, {.step = 9, .weight = 4}}}, 10);
    row        wanted(10, 0.0);
    wanted[1] = 1 / 8.0, wanted[4] = 3 / 8.0, wanted[8] = 0.5;
    BOOST_TEST(apart(soup, wanted) < 1e-15);
}

BOOST_AUTO_TEST_SUITE_END()
