#include <boost/test/unit_test.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <unistd.h>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/train/compare_figures.hpp>
#include <midtrain/train/needle_map.hpp>
#include <midtrain/train/report_html.hpp>
#include <midtrain/train/run_figures.hpp>
#include <midtrain/train/run_folder.hpp>
#include <support/xml.hpp>

namespace mt = midtrain;

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Two stages of 60 and 20 steps; the gradient jumps in step 50.
mt::run_folder some_run(std::string name = "a<run>", double loss = 2, std::string peak = "0.001") {
    mt::run_folder r;
    r.path = r.name = std::move(name);
    auto& m = r.steps;
    m.sources = {"web", "maths & more"};
    for (std::int64_t n = 1; n <= 80; ++n) {
        bool const      second = n > 60;
        mt::metrics_row row;
        row.step = n, row.stage = second ? "long" : "anneal", row.stage_number = second ? 2 : 1;
        row.tokens = second ? 6000 + 200 * (n - 60) : 100 * n, row.stage_tokens = second ? 200 * (n - 60) : 100 * n;
        row.loss = loss, row.rate = 1e-3 / static_cast<double>(n), row.gradient_norm = n == 50 ? 9 : 1, row.seconds = 2, row.tokens_per_second = second ? 100 : 50;
        row.weights = {.75, .25}, row.losses = {loss + 1, n % 2 ? loss - 1 : none}, row.targets = {80, n % 2 ? 20 : 0};
        auto const in     = second ? n - 60 : n;
        row.source_tokens = {60 * in, 40 * in};
        row.phases        = {.data = 0.1, .compute = 1.5, .update = 0.3, .checkpoint = 0, .evaluation = 0.1};
        m.rows.push_back(row);
    }
    m.events = {{"skipped", 49, 4900, "a gradient of <9>"}};
    m.began  = {{{"anneal.rate.peak", std::move(peak)}, {"seed", "1"}}, "trunk/step-00000042"};
    mt::evaluation_record e;
    e.step = 80, e.tokens = 10'000;
    e.held_out  = {{"web", {loss, loss - .1, loss + .1}}, {"maths & more", {1, .9, 1.1}, {.5, .4, .6}}};
    e.positions = {{"web", {{16, 31, 3, 10}, {32, 63, none, 0}, {32, 63, 2.5, 10}}}};
    e.choice    = {{"arc", 60, {.25, .2, .3}, {.5, .4, .6}}};
    e.needle    = {{"needle", 512, 0, 1, 4}, {"needle", 2048, 0, .25, 4}, {"needle", 512, 1, .5, 4}};
    r.evaluations = {e};
    return r;
}

std::string row_of(std::string const& page, std::string const& first) {
    auto const at = page.find("<tr><td>" + first);
    return at == std::string::npos ? "" : page.substr(at, page.find("</tr>", at) - at);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(report_html)

BOOST_AUTO_TEST_CASE(figures_are_xml_without_what_is_no_number) {
    auto const r = some_run();
    auto const& m = r.steps;
    std::vector<mt::run_folder> const two{r, some_run("b", 3)};
    for (auto const& svg : {mt::chart::loss_figure(m, mt::chart::small_figure), mt::chart::rate_figure(m), mt::chart::batch_figure(m), mt::chart::speed_figure(m),
                            mt::chart::mixture_figure(m), mt::chart::gradient_figure(m), mt::chart::phases_figure({{"a", mt::chart::summed_phases(m)}}),
                            mt::chart::held_out_figure(m, r.evaluations), mt::draw_needle_map(r.evaluations[0].needle),
                            mt::chart::losses_figure(two, mt::page::hero), mt::chart::rates_figure(two), mt::chart::finals_figure(two, 480)}) {
        BOOST_TEST(test::xml_fault(svg) == "");
        for (auto bad : {"\"nan", ",nan", "nan,", "inf\"", "a<run>"}) BOOST_TEST_CONTEXT(bad) BOOST_TEST(test::count(svg, bad) == 0u);
    }
}
BOOST_AUTO_TEST_CASE(shares_drawn_are_those_of_the_window) {
    auto const m      = some_run().steps;
    auto const stages = mt::chart::stages_of(m);
    for (auto const& s : stages)
        for (double v : mt::chart::drawn_share(m, s, 1, 0.1)) BOOST_TEST(std::abs(v - 0.4) < 1e-12);  // 40 of 100 tokens, all along
}
BOOST_AUTO_TEST_CASE(a_spike_is_marked_where_it_is) {
    auto const m = some_run().steps;
    BOOST_TEST((mt::chart::spikes_of(m) == std::vector<std::size_t>{49}));
    BOOST_TEST(test::count(mt::chart::gradient_figure(m), "<circle") == 1u);
    auto const batch = mt::chart::batch_figure(m);  // 100 tokens a step, then 200: the scale reaches 8 % above
    BOOST_TEST(test::count(batch, "data-y=\"0 216\"") == 1u);
}
BOOST_AUTO_TEST_CASE(a_needle_map_says_its_scores) {
    auto const svg = mt::draw_needle_map(some_run().evaluations[0].needle);
    for (auto good : {">100<", ">25<", ">50<", ">512<", ">2k<", ">0 %<", ">100 %<"}) BOOST_TEST_CONTEXT(good) BOOST_TEST(test::count(svg, good) == 1u);
    BOOST_TEST(test::count(svg, "rx=\"3\" fill=\"#0072B2\"") == 3u);  // only what was measured
    BOOST_CHECK_THROW(mt::draw_needle_map({}), mt::error);
}
BOOST_AUTO_TEST_CASE(a_page_on_one_run_tells_all) {
    auto const page = mt::draw_report({some_run()});
    for (auto good : {"<h1>a&lt;run&gt;</h1>", "<h2>Loss</h2>", "<h2>Events</h2>", "a gradient of &lt;9&gt;", "Forked from trunk/step-00000042", "1 ring marks a step",
                      "<h3>Long context: needle</h3>", "<h3>Loss by position</h3>", "<dt>Tokens</dt><dd>10.0k</dd>", "<dt>Time of steps</dt><dd>2m 40s</dd>"})
        BOOST_TEST_CONTEXT(good) BOOST_TEST(test::count(page, good) == 1u);
    BOOST_TEST(row_of(page, "anneal").find("<td>60</td><td>6.00k</td><td>1e-3 \u2192 1.67e-5</td><td>2.000</td><td>2m 00s</td>") != std::string::npos);
    BOOST_TEST(row_of(page, "anneal.rate.peak").find("<td>0.001</td>") != std::string::npos);
    BOOST_TEST(row_of(page, "arc").find("0.250<small>0.200 to 0.300</small>") != std::string::npos);
    for (auto bad : {"a<run>", "href=\"http", "src=", "@import"}) BOOST_TEST_CONTEXT(bad) BOOST_TEST(test::count(page, bad) == 0u);
}
BOOST_AUTO_TEST_CASE(a_page_on_several_runs_marks_the_best_and_shows_what_differs) {
    auto const page = mt::draw_report({some_run("a", 2.5), some_run("b", 2.25, "0.002")}, "Two & more");
    BOOST_TEST(test::count(page, "<h1>Two &amp; more</h1>") == 1u);
    BOOST_TEST(row_of(page, "web").find("<td>2.500<small>") != std::string::npos);
    BOOST_TEST(row_of(page, "web").find("<td class=\"best\">2.250") != std::string::npos);
    BOOST_TEST(row_of(page, "anneal.rate.peak").find("<td>0.001</td><td>0.002</td>") != std::string::npos);
    BOOST_TEST(row_of(page, "seed").empty());  // is the same in both
    BOOST_TEST(test::count(page, "<polyline") > 0u);
    BOOST_CHECK_THROW(mt::draw_report({}), mt::error);
}
BOOST_AUTO_TEST_CASE(each_colour_has_a_twin_for_the_night) {
    auto const page = mt::draw_report({some_run()}) + mt::draw_report({some_run("a"), some_run("b"), some_run("c"), some_run("d"), some_run("e"), some_run("f")});
    for (std::string what : {"fill=\"#", "stroke=\"#"})
        for (auto at = page.find(" " + what); at != std::string::npos; at = page.find(" " + what, at + 1)) {
            auto const colour = page.substr(at + what.size(), 7);
            bool       known  = false;
            for (auto const& i : mt::chart::inks) known = known || i.paper == colour;
            BOOST_TEST_CONTEXT(colour) BOOST_TEST(known);
        }
    for (std::size_t i = 0; i < 8; ++i) {
        bool known = false;
        for (auto const& ink : mt::chart::inks) known = known || ink.paper == mt::chart::look_of(i).colour;
        BOOST_TEST(known);
    }
}
BOOST_AUTO_TEST_CASE(a_run_of_one_step_without_anything_else_has_a_page) {
    auto r = some_run();
    r.steps.rows.resize(1), r.evaluations.clear(), r.steps.events.clear(), r.steps.began = {};
    r.steps.rows[0].gradient_norm = none, r.steps.rows[0].rate = 0, r.steps.rows[0].phases = {}, r.steps.rows[0].targets = {0, 0};
    auto const page = mt::draw_report({r});
    for (auto bad : {"<h2>Evaluation</h2>", "<h2>Events</h2>", "Time by phase", "nan,", ",nan"}) BOOST_TEST_CONTEXT(bad) BOOST_TEST(test::count(page, bad) == 0u);
}
BOOST_AUTO_TEST_CASE(folders_are_read_and_what_is_missing_is_said) {
    namespace fs = std::filesystem;
    auto const root = fs::temp_directory_path() / ("midtrain-report-" + std::to_string(::getpid()));
    auto const says = [&](std::string const& path) {
        try {
            mt::read_run(path);
        } catch (mt::error const& e) {
            return std::string(e.what()).substr(path.size());
        }
        return std::string();
    };
    fs::create_directories(root / "x/run"), fs::create_directories(root / "y/run");
    auto const path = (root / "x/run").string();
    BOOST_TEST(says(path + "/none") == ": is not the folder of a run");
    BOOST_TEST(says(path) == ": holds no metrics.jsonl, so there is no run to report on");
    std::ofstream(path + "/metrics.jsonl").flush();
    BOOST_TEST(says(path) == "/metrics.jsonl: has no step yet");
    for (auto at : {"x/run", "y/run"}) {
        mt::metrics_file file((root / at / "metrics.jsonl").string());
        std::vector<std::string> const  sources{"web"};
        std::vector<double> const       weights{1}, losses{2};
        std::vector<std::int64_t> const targets{8};
        mt::report r;
        r.stage = "s", r.step = 1, r.at = {1, {8}, {8}, {8}}, r.loss = 2, r.sources = sources, r.weights = weights, r.source_loss = losses, r.source_targets = targets, r.source_tokens = targets;
        file(r);
    }
    std::ofstream(path + "/report.json") << R"({"settings":{"seed":"7","n":3}})";
    auto const runs = mt::read_runs({path + "/", (root / "y/run").string()});
    BOOST_TEST(runs[0].name == "x/run");
    BOOST_TEST(runs[1].name == "y/run");
    BOOST_TEST(runs[0].setting("seed") == "7");
    BOOST_TEST(runs[0].setting("n") == "3");
    BOOST_TEST(runs[0].held_out().empty());
    fs::remove_all(root);
}

BOOST_AUTO_TEST_SUITE_END()
