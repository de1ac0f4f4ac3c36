#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/plan_chart.hpp>
#include <support/xml.hpp>

namespace mt = midtrain;

namespace {

/// Two stages: 40 steps of 1,000 tokens at a falling rate, 10 of 2,000 at a level one.
mt::run_plan some_plan() {
    mt::run_plan p;
    p.sources = {"web", "maths"};
    mt::stage_plan a{.name = "anneal", .steps = 40, .tokens = 40'000, .sequences = 10, .length = 100, .rate_highest = 4e-4};
    for (int k = 0; k < 40; ++k) a.curve.push_back({1000 * k, 1e-5 * (40 - k), 10, {.8 - .01 * k, .2 + .01 * k}});
    a.weights_first = {.8, .2}, a.weights_last = {.4, .6}, a.context = 128;
    mt::stage_plan b{.name = "long", .steps = 10, .tokens = 20'000, .sequences = 5, .length = 400, .rate_highest = 1e-5};
    for (int k = 0; k < 10; ++k) b.curve.push_back({2000 * k, 1e-5, 5, {.5, .5}});
    b.weights_first = b.weights_last = {.5, .5}, b.context = 512;
    p.stages = {a, b};
    return p;
}

/// A run that did what that plan says, but for the rate of its second stage, which is twice the planned one.
mt::metrics what_happened(mt::run_plan const& p) {
    mt::metrics  m;
    std::int64_t tokens = 0, step = 0;
    m.sources = p.sources;
    for (std::size_t n = 0; n < p.stages.size(); ++n) {
        auto const&               s     = p.stages[n];
        std::vector<std::int64_t> drawn = {0, 0};
        for (auto const& c : s.curve) {
            mt::metrics_row r;
            auto const      batch = c.sequences * s.length;
            tokens += batch;
            r.step = ++step, r.stage = s.name, r.stage_number = static_cast<int>(n) + 1, r.tokens = tokens, r.stage_tokens = c.tokens + batch;
            r.rate = n == 1 ? 2 * c.rate : c.rate, r.weights = c.weights;
            for (std::size_t k = 0; k < 2; ++k) drawn[k] += std::llround(c.weights[k] * static_cast<double>(batch));
            r.source_tokens = drawn, r.losses = {1, 1}, r.targets = {1, 1}, r.loss = 1;
            m.rows.push_back(r);
        }
    }
    return m;
}

/// The points of each line of that name, in values of the panel whose scales stand before it.
std::vector<std::vector<double>> lines(std::string const& svg, std::string const& name) {
    std::vector<std::vector<double>> all;
    for (auto at = svg.find("data-name=\"" + name + "\""); at != std::string::npos; at = svg.find("data-name=\"" + name + "\"", at + 1)) {
        auto from = svg.rfind("points=\"", at) + 8;
        all.emplace_back();
        for (auto const end = svg.find('"', from); from < end;) {
            std::size_t used = 0;
            all.back().push_back(std::stod(svg.substr(from, end - from), &used));
            from += used + 1;
        }
    }
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(plan_chart)

BOOST_AUTO_TEST_CASE(it_shows_stages_sources_and_panels) {
    auto const svg = mt::draw_plan(some_plan(), {.title = "A <plan>"});
    BOOST_TEST(test::xml_fault(svg) == "");
    for (auto bad : {"nan", "inf", "script", "href", "A <plan>", "what happened"}) BOOST_TEST_CONTEXT(bad) BOOST_TEST(test::count(svg, bad) == 0u);
    for (auto good : {">anneal<", ">long<", ">Learning rate<", ">Batch (tokens a step)<", ">0.80\u21920.50<", ">0.20\u21920.50<"})
        BOOST_TEST_CONTEXT(good) BOOST_TEST(test::count(svg, good) == 1u);
    BOOST_TEST(test::count(svg, "<polygon") == 2u);  // an area a source
    // 656 pixels for 60,000 tokens from 66 on: the second stage begins at 503.3, and a rate falls in a straight line to it.
    auto const rate = lines(svg, "rate");
    BOOST_TEST_REQUIRE(rate.size() == 2u);
    BOOST_TEST(std::abs(rate[0].front() - 66) < 0.06);
    BOOST_TEST(std::abs(rate[0][rate[0].size() - 2] - (66 + 656.0 * 40 / 60)) < 0.06);
    BOOST_TEST(rate[0][1] < rate[0].back());  // pixels grow downwards
    BOOST_TEST(std::abs(rate[1][1] - rate[1].back()) < 1e-9);
}

BOOST_AUTO_TEST_CASE(what_happened_lies_on_the_plan_where_it_did) {
    auto const plan = some_plan();
    auto const svg  = mt::draw_plan(plan, {.against = what_happened(plan)});
    BOOST_TEST(test::xml_fault(svg) == "");
    BOOST_TEST(test::count(svg, ">what happened<") == 1u);
    auto const planned = lines(svg, "rate"), real = lines(svg, "rate that happened"), batch = lines(svg, "batch"), sizes = lines(svg, "batch that happened");
    BOOST_TEST_REQUIRE(real.size() == 2u);
    BOOST_TEST_REQUIRE(sizes.size() == 2u);
    BOOST_TEST(std::abs(real[0][1] - planned[0][1]) < 0.06);             // the first step's rate as planned
    BOOST_TEST(std::abs(real[0].back() - planned[0].back()) < 0.06);     // and the last one's
    BOOST_TEST(real[1][1] + 1 < planned[1][1]);                          // twice the rate stands higher
    for (std::size_t s = 0; s < 2; ++s) BOOST_TEST(std::abs(sizes[s][1] - batch[s][1]) < 0.06);
    BOOST_TEST(lines(svg, "web that was drawn").size() == 2u);
}

BOOST_AUTO_TEST_CASE(metrics_of_other_sources_are_refused) {
    auto const plan = some_plan();
    auto       m    = what_happened(plan);
    m.sources       = {"web", "code"};
    BOOST_CHECK_THROW(mt::draw_plan(plan, {.against = m}), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
