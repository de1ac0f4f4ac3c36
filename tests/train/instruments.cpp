#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>
#include <midtrain/train/decay_law_chart.hpp>
#include <midtrain/train/dirichlet.hpp>
#include <midtrain/train/instrument_figures.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/mixture_chart.hpp>
#include <midtrain/train/mixture_search.hpp>
#include <midtrain/train/mixture_trials.hpp>
#include <midtrain/train/run_curve.hpp>
#include <support/xml.hpp>

namespace mt = midtrain;

namespace {

struct folder {
    std::filesystem::path path = std::filesystem::temp_directory_path() / "midtrain_instruments";
    folder() { std::filesystem::remove_all(path), std::filesystem::create_directories(path); }
    ~folder() { std::filesystem::remove_all(path); }
    std::string file(char const* name) const { return (path / name).string(); }
};
auto says(std::string const& what) {
    return [what](mt::error const& e) { return std::string(e.what()).find(what) != std::string::npos; };
}

std::vector<std::string> const sources{"web", "code"};

/// A metrics file of 60 steps whose noise is measured in every fifth.
void write_metrics(std::string const& path) {
    mt::metrics_file                file(path);
    std::vector<double> const       weights{0.5, 0.5}, losses{3, 2};
    std::vector<std::int64_t> const targets{500, 500}, drawn{1000, 1000};
    for (std::int64_t s = 1; s <= 60; ++s) {
        mt::report r;
        r.stage = "anneal", r.step = s, r.at = {s, {1000 * s}, {60'000}, {1000}};
        r.loss = 2.5 + 1.0 / std::sqrt(static_cast<double>(s)), r.rate = 1e-3 * (s <= 40 ? 1.0 : static_cast<double>(61 - s) / 21), r.gradient_norm = 1;
        r.sources = sources, r.weights = weights, r.source_loss = losses, r.source_targets = targets, r.source_tokens = drawn;
        std::vector<double> const of{2000.0 + 100 * static_cast<double>(s), std::nan("")};
        if (s % 5 == 0) r.noise = {.signal = 1, .noise = 1500.0 + 120 * static_cast<double>(s), .error = 90, .steps = s / 5}, r.source_noise = of;
        file(r);
    }
}
std::vector<mt::evaluation_record> evaluations(std::size_t n) {
    std::vector<mt::evaluation_record> all;
    for (std::size_t e = 0; e < n; ++e) {
        mt::evaluation_record r;
        r.step = static_cast<std::int64_t>(100 * e), r.tokens = r.step * 1000;
        for (int l = 0; l <= 12; ++l)
            r.rank.push_back({l, 90.0 - 3 * l - 2 * static_cast<double>(e) + 8 * std::sin(l), 4.0 - 0.05 * l - 0.1 * static_cast<double>(e), 512});
        all.push_back(r);
    }
    return all;
}
/// Pictures for people to look at, where MIDTRAIN_PICTURES names a folder.
std::string const& shown(char const* name, std::string const& svg) {
    if (auto const to = std::getenv("MIDTRAIN_PICTURES")) std::ofstream(std::string(to) + "/" + name) << svg;
    return svg;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(instruments)

BOOST_AUTO_TEST_CASE(metrics_keep_the_noise_of_measured_steps_and_a_figure_draws_it) {
    folder const f;
    write_metrics(f.file("metrics.jsonl"));
    auto const m = mt::read_metrics(f.file("metrics.jsonl"));
    BOOST_TEST_REQUIRE(m.rows.size() == 60u);
    BOOST_TEST(std::isnan(m.rows[3].noise_scale));
    BOOST_TEST(m.rows[3].source_noise.empty());
    BOOST_TEST(m.rows[4].noise_scale == 2100);
    BOOST_TEST(m.rows[4].noise_error == 90);
    BOOST_TEST_REQUIRE(m.rows[4].source_noise.size() == 2u);
    BOOST_TEST(m.rows[4].source_noise[0] == 2500);
    BOOST_TEST(std::isnan(m.rows[4].source_noise[1]));
    auto const svg = shown("noise.svg", mt::chart::noise_figure(m));
    BOOST_TEST(test::xml_fault(svg) == "");
    BOOST_TEST(test::count(svg, "<polyline") == 3u);  // web, all, batch; code has no measurement
    auto without = m;
    for (auto& r : without.rows) r.noise_scale = std::nan(""), r.source_noise.clear();
    BOOST_TEST(mt::chart::noise_figure(without).empty());
}
BOOST_AUTO_TEST_CASE(layers_have_a_line_for_five_evaluations_at_most) {
    auto const svg = shown("rank.svg", mt::chart::rank_figure(evaluations(12)));
    BOOST_TEST(test::xml_fault(svg) == "");
    BOOST_TEST(test::count(svg, "<polyline") == 5u);
    BOOST_TEST(svg.find("step 1100") != svg.npos);  // the first and the last are among them
    BOOST_TEST(svg.find("step 0") != svg.npos);
    BOOST_TEST(test::count(shown("entropy.svg", mt::chart::entropy_figure(evaluations(2))), "<polyline") == 2u);
    BOOST_TEST(mt::chart::rank_figure({}).empty());
    BOOST_TEST(mt::chart::rank_figure({mt::evaluation_record{}}).empty());
}
BOOST_AUTO_TEST_CASE(a_runs_metrics_become_a_curve_and_a_ramp_is_refused) {
    folder const f;
    write_metrics(f.file("metrics.jsonl"));
    auto       run = mt::read_run(f.path.string());
    auto const c   = mt::curve_of(run);
    BOOST_TEST(c.rates.size() == 60u);
    BOOST_TEST(c.steps.size() == 60u);
    BOOST_TEST(c.losses[3] == 3);
    BOOST_TEST(mt::curve_of(run, "code").losses[7] == 2);
    BOOST_CHECK_EXCEPTION(mt::curve_of(run, "maths"), mt::error, says("has no source 'maths'"));
    for (std::size_t i = 30; i < run.steps.rows.size(); ++i) run.steps.rows[i].tokens += 1000 * static_cast<std::int64_t>(i - 29);
    BOOST_CHECK_EXCEPTION(mt::curve_of(run), mt::error, says("its batch changes"));
}
BOOST_AUTO_TEST_CASE(a_law_is_drawn_with_its_curves_and_what_it_foretells) {
    mt::decay_law const          law{2.2, 0.65, 0.45, 0.35, 0.99};
    std::vector<mt::rated_curve> curves;
    for (double tail : {0.0, 0.2, 1.0}) {
        mt::rated_curve c{tail == 0 ? "constant" : tail < 1 ? "wsd" : "linear", {}, {}, {}};
        for (int i = 0; i < 1000; ++i) c.rates.push_back(3e-3 * (tail > 0 ? std::min(1.0, (1000 - i) / (1000 * tail)) : 1));
        auto const clean = mt::foretold(law, c.rates);
        for (int s = 10; s <= 1000; s += 10) c.steps.push_back(s), c.losses.push_back(clean[static_cast<std::size_t>(s) - 1] + 0.01 * std::sin(s));
        curves.push_back(c);
    }
    auto const svg = shown("law.svg", mt::chart::draw_decay_law(curves, mt::fit_decay_law(curves, {.memory = 0.99})));
    BOOST_TEST(test::xml_fault(svg) == "");
    BOOST_TEST(test::count(svg, "<polyline") == 10u);  // three curves twice, four lengths
    BOOST_TEST(mt::loss_after_decay(law, 3e-3, 1000, 0) > mt::loss_after_decay(law, 3e-3, 1000, 0.2));
}
BOOST_AUTO_TEST_CASE(trials_are_kept_line_by_line_and_drawn) {
    folder const             f;
    std::vector<std::string> const names{"web", "code", "maths"};
    mt::mixture_trials const file(f.file("trials.jsonl"), names, {"web", "maths"});
    std::vector<mt::mixture_trial> trials;
    std::vector<double>            means;
    std::ofstream                  out(f.file("trials.jsonl"));
    for (auto const& x : mt::dirichlet_mixtures(std::vector<double>{0.6, 0.3, 0.1}, 16, 6, 3)) {
        trials.push_back({x, {3 + 0.3 * std::exp(-2 * x[0]), 1.5 + 0.8 * std::exp(-4 * x[2])}});
        means.push_back((trials.back().losses[0] + trials.back().losses[1]) / 2);
        out << file.line(trials.back());
    }
    out << "{\"shares\":{\"web\":0.2,";  // killed while it wrote
    out.close();
    auto const back = file.read();
    BOOST_TEST_REQUIRE(back.size() == 16u);
    BOOST_TEST(back[7].shares == trials[7].shares, boost::test_tools::per_element());
    BOOST_TEST(back[7].losses == trials[7].losses, boost::test_tools::per_element());
    BOOST_CHECK_EXCEPTION(mt::mixture_trials(f.file("trials.jsonl"), {"web", "books"}, {"web"}).read(), mt::error, says("line 1: 'shares' lacks a number for 'books'"));
    auto const svg = shown("search.svg", mt::chart::draw_mixture_search(names, trials, means, mt::suggest_mixture(trials, {.resamples = 100})));
    BOOST_TEST(test::xml_fault(svg) == "");
    BOOST_TEST(test::count(svg, "<circle") == 16u * 3 + 3 + 2);
}

BOOST_AUTO_TEST_SUITE_END()
