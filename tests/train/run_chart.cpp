#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/run_chart.hpp>
#include <support/xml.hpp>

namespace mt = midtrain;

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Two stages of 40 and 20 steps over three sources; the last has no target in the second stage.
mt::metrics some_run() {
    mt::metrics m;
    m.sources = {"web", "code", "maths & more"};
    for (std::int64_t n = 1; n <= 60; ++n) {
        bool const      second = n > 40;
        mt::metrics_row r;
        r.step = n, r.stage = second ? "lo<ng" : "anneal", r.stage_number = second ? 2 : 1;
        r.tokens = 1000 * n, r.stage_tokens = 1000 * (second ? n - 40 : n);
        r.rate = 1e-4 * static_cast<double>(60 - n);
        r.weights = second ? std::vector<double>{.5, .5, 0} : std::vector<double>{.5, .3, .2};
        r.targets = second ? std::vector<std::int64_t>{400, 400, 0} : std::vector<std::int64_t>{400, 300, 200};
        r.losses  = {3.0 + 0.1 * static_cast<double>(n % 2), 1.5, second ? none : 2.0};
        r.loss    = 2.3;
        m.rows.push_back(r);
    }
    return m;
}

/// Numbers that stand in a list of points: x, y, x, y, ...
std::vector<double> points(std::string const& svg, std::string const& after) {
    auto                at = svg.find("points=\"", svg.find(after)) + 8;
    std::vector<double> v;
    for (auto const end = svg.find('"', at); at < end;) {
        std::size_t used = 0;
        v.push_back(std::stod(svg.substr(at, end - at), &used));
        at += used + 1;
    }
    return v;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(run_chart)

BOOST_AUTO_TEST_CASE(it_shows_stages_sources_and_lines) {
    auto const svg = mt::draw_run_chart(some_run(), {.title = "A run", .held_out = {}});
    BOOST_TEST(test::xml_fault(svg) == "");
    for (auto bad : {"nan", "inf", "script", "href", "lo<ng"}) BOOST_TEST(test::count(svg, bad) == 0u);
    for (auto good : {">anneal<", ">lo&lt;ng<", ">tokens seen<", ">Learning rate<", ">2e-3<", ">20k<", ">0.20\u21920.00<"})
        BOOST_TEST_CONTEXT(good) BOOST_TEST(test::count(svg, good) == 1u);
    BOOST_TEST(test::count(svg, ">A run<") == 2u);     // as the title of the file, and to be seen
    BOOST_TEST(test::count(svg, "<polygon") == 3u);    // an area a source
    BOOST_TEST(test::count(svg, "<polyline") == 8u);   // rate; two sources and all in two stages, a source in one
    BOOST_TEST(test::count(svg, ">web<") == 2u);       // in both legends
    BOOST_TEST(test::count(svg, "Held-out") == 0u);
}
BOOST_AUTO_TEST_CASE(the_rate_is_where_it_belongs) {
    auto const svg  = mt::draw_run_chart(some_run());
    auto const line = points(svg, ">Learning rate<");
    // From the left edge at the first rate, 59e-4, to the right edge at rate 0; the scale reaches 6 % above the largest.
    BOOST_TEST_REQUIRE(line.size() == 2u * 62);
    BOOST_TEST(line[0] == 66);
    BOOST_TEST(line[line.size() - 2] == 722);
    BOOST_TEST(line.back() == 210);
    BOOST_TEST(std::abs(line[1] - (210 - 110 / 1.06)) < 0.06);  // pixels are written to a tenth
    double last = 0;
    for (std::size_t i = 0; i < line.size(); i += 2) {
        BOOST_TEST(line[i] >= last);
        last = line[i];
    }
}
BOOST_AUTO_TEST_CASE(losses_are_averaged_by_targets_within_a_stage) {
    auto const m      = some_run();
    auto const stages = mt::chart::stages_of(m);
    BOOST_TEST_REQUIRE(stages.size() == 2u);
    BOOST_TEST(stages[1].begins == 40'000);
    BOOST_TEST(stages[1].ends == 60'000);
    auto const web = mt::chart::smoothed_loss(m, stages[0], 0, 0.25);  // five steps on either side
    BOOST_TEST_REQUIRE(web.size() == 40u);
    BOOST_TEST(std::abs(web[20] - (3 + 0.1 * 5 / 11)) < 1e-12);  // steps 16 to 26, five of them odd
    BOOST_TEST(std::abs(web[0] - (3 + 0.1 * 3 / 6)) < 1e-12);
    auto const all = mt::chart::smoothed_loss(m, stages[1], 3, 0.25);
    BOOST_TEST(std::abs(all[7] - 2.3) < 1e-12);
    for (double v : mt::chart::smoothed_loss(m, stages[1], 2, 0.25)) BOOST_TEST(std::isnan(v));
}
BOOST_AUTO_TEST_CASE(what_was_held_out_has_a_panel) {
    std::vector<mt::held_out_loss> held;
    for (auto source : {"code", "maths & more"})
        for (auto model : {"before", "control", "after anneal"}) held.push_back({source, model, {1.5, 1.4, 1.6}});
    auto const svg = mt::draw_run_chart(some_run(), {.held_out = held});
    BOOST_TEST(test::xml_fault(svg) == "");
    BOOST_TEST(test::count(svg, "Held-out loss") == 1u);
    for (auto model : {">before<", ">control<", ">after anneal<"}) BOOST_TEST(test::count(svg, model) == 1u);
    BOOST_TEST(test::count(svg, ">code<") == 3u);
    // A source has the colour of its place in the run: swatches in the mixture's legend and in the panel.
    BOOST_TEST(test::count(svg, "width=\"9\" height=\"9\" fill=\"#E69F00\"") == 1u);
    held[0].loss.low = none;
    BOOST_CHECK_EXCEPTION(mt::draw_run_chart(some_run(), {.held_out = held}), mt::error, [](mt::error const& e) {
        return std::string(e.what()) == "the held-out loss of before on code is no number between two bounds";
    });
}
BOOST_AUTO_TEST_CASE(a_run_of_one_step_and_one_without_losses_can_be_drawn) {
    auto m = some_run();
    m.rows.resize(1);
    BOOST_TEST(test::xml_fault(mt::draw_run_chart(m)) == "");
    m.rows[0].targets = {0, 0, 0};
    m.rows[0].rate    = 0;
    auto const svg    = mt::draw_run_chart(m);
    BOOST_TEST(test::count(svg, "nan") == 0u);
    m.rows.clear();
    BOOST_CHECK_THROW(mt::draw_run_chart(m), mt::error);
}

BOOST_AUTO_TEST_SUITE_END()
