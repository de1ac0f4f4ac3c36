#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/train/decay_law.hpp>

namespace mt = midtrain;

namespace {

mt::io::json golden() {
    std::string const         path = MIDTRAIN_SOURCE_DIR "/tests/golden/decay_law.json";
    mt::io::mapped_file const file(path);
    return mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
}
double member(mt::io::json const& of, char const* key) { return *of.find(key)->as<double>(); }

std::vector<double> rates_of(std::string const& name, double peak, int steps) {
    std::vector<double> r;
    for (int t = 0; t < steps; ++t)
        r.push_back(peak * (name == "constant" ? 1 : name == "cosine" ? 0.1 + 0.45 * (1 + std::cos(std::acos(-1.0) * t / steps)) : std::min(1.0, (steps - t) / 240.0)));
    return r;
}
std::vector<mt::rated_curve> curves_of(mt::io::json const& g) {
    std::vector<mt::rated_curve> all;
    for (auto const& c : *g.find("curves")->as<mt::io::json::array>()) {
        mt::rated_curve one{*c.find("name")->as<std::string>(), {}, {}, {}};
        one.rates = rates_of(one.name, member(g, "peak"), static_cast<int>(member(g, "steps")));
        for (auto const& s : *c.find("steps")->as<mt::io::json::array>()) one.steps.push_back(static_cast<std::int64_t>(*s.as<double>()));
        for (auto const& l : *c.find("losses")->as<mt::io::json::array>()) one.losses.push_back(*l.as<double>());
        all.push_back(std::move(one));
    }
    return all;
}
/// Curves of a known law with noise that hangs together over some steps.
std::vector<mt::rated_curve> played(mt::decay_law const& law, double noise, std::uint64_t seed) {
    std::mt19937_64                  engine(seed);
    std::normal_distribution<double> of(0, noise);
    std::vector<mt::rated_curve>     all;
    for (std::string const name : {"constant", "cosine", "wsd"}) {
        mt::rated_curve c{name, rates_of(name, 3e-3, 1200), {}, {}};
        auto const      clean = mt::foretold(law, c.rates);
        double          off   = 0;
        for (std::int64_t s = 20; s <= 1200; s += 10) {
            off = 0.7 * off + of(engine);
            c.steps.push_back(s), c.losses.push_back(clean[static_cast<std::size_t>(s) - 1] * std::exp(off));
        }
        all.push_back(std::move(c));
    }
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(decay_law)

BOOST_AUTO_TEST_CASE(least_squares_finds_a_valley_that_bends) {
    // Rosenbrock's function; its least value is 0 at (1, 1).
    auto const fit = mt::fit_least_squares([](std::vector<double> const& x) { return std::vector<double>{10 * (x[1] - x[0] * x[0]), 1 - x[0]}; }, {-1.2, 1});
    BOOST_TEST(std::abs(fit.at[0] - 1) < 1e-9);
    BOOST_TEST(std::abs(fit.at[1] - 1) < 1e-9);
    BOOST_TEST(mt::solve_positive({4, 2, 2, 3}, {2, 5})[1] == 2, boost::test_tools::tolerance(1e-15));
    BOOST_TEST(mt::solve_positive({1, 2, 2, 1}, {1, 1}).empty());  // not positive definite
}
BOOST_AUTO_TEST_CASE(the_fit_is_scipys) {
    auto const g      = golden();
    auto const curves = curves_of(g);
    mt::annealing_areas const s(curves.back().rates, member(g, "memory"));
    BOOST_TEST(s.area.back() == member(g, "last_area"), boost::test_tools::tolerance(1e-12));
    BOOST_TEST(s.annealed.back() == member(g, "last_annealed"), boost::test_tools::tolerance(1e-9));
    auto const fit = mt::fit_decay_law(curves, {.memory = member(g, "memory")});
    auto const& want = *g.find("fit");
    // Both stop where the sum of squares no longer falls, which leaves the parameters some eight digits.
    BOOST_TEST(fit.law.floor == member(want, "floor"), boost::test_tools::tolerance(1e-6));
    BOOST_TEST(fit.law.scale == member(want, "scale"), boost::test_tools::tolerance(1e-6));
    BOOST_TEST(fit.law.power == member(want, "power"), boost::test_tools::tolerance(1e-6));
    BOOST_TEST(fit.law.gain == member(want, "gain"), boost::test_tools::tolerance(1e-6));
    BOOST_TEST(fit.deviation == std::sqrt(2 * member(g, "cost") / static_cast<double>(fit.points)), boost::test_tools::tolerance(1e-9));
}
BOOST_AUTO_TEST_CASE(a_curve_without_noise_gives_its_law_back) {
    mt::decay_law const law{2.5, 0.4, 0.6, 0.2, 0.995};
    auto const          fit = mt::fit_decay_law(played(law, 0, 1), {.memory = 0.995});
    BOOST_TEST(fit.law.floor == 2.5, boost::test_tools::tolerance(1e-6));
    BOOST_TEST(fit.law.scale == 0.4, boost::test_tools::tolerance(1e-5));
    BOOST_TEST(fit.law.power == 0.6, boost::test_tools::tolerance(1e-5));
    BOOST_TEST(fit.law.gain == 0.2, boost::test_tools::tolerance(1e-5));
}
BOOST_AUTO_TEST_CASE(errors_are_those_of_many_runs) {
    mt::decay_law const law{2.5, 0.4, 0.6, 0.2, 0.995};
    double              floor = 0, gain = 0, floor_error = 0, gain_error = 0;
    int const           runs = 60;
    for (int r = 0; r < runs; ++r) {
        auto const fit = mt::fit_decay_law(played(law, 1e-3, static_cast<std::uint64_t>(r + 1)), {.memory = 0.995});
        floor += std::pow(fit.law.floor - 2.5, 2), floor_error += std::pow(fit.error.floor, 2);
        gain += std::pow(fit.law.gain - 0.2, 2), gain_error += std::pow(fit.error.gain, 2);
    }
    // 60 runs know a deviation to some 10 %; a jackknife of few blocks errs itself.
    BOOST_TEST(std::abs(std::sqrt(floor / floor_error) - 1) < 0.35);
    BOOST_TEST(std::abs(std::sqrt(gain / gain_error) - 1) < 0.35);
}
BOOST_AUTO_TEST_CASE(curves_that_cannot_tell_are_refused_with_a_reason) {
    auto const says = [](std::string const& what) { return [what](mt::error const& e) { return std::string(e.what()).find(what) != std::string::npos; }; };
    auto       all  = played({2.5, 0.4, 0.6, 0.2, 0.995}, 1e-3, 1);
    std::vector<mt::rated_curve> const constant{all[0]};
    BOOST_CHECK_EXCEPTION(mt::fit_decay_law(constant), mt::error, says("no curve lowers its rate"));
    all[1].steps.back() = 5000;
    BOOST_CHECK_EXCEPTION(mt::fit_decay_law(all), mt::error, says("cosine: a loss stands at a step that has no rate"));
    all[0].steps.resize(5), all[0].losses.resize(5);
    BOOST_CHECK_EXCEPTION(mt::fit_decay_law(std::vector{all[0]}), mt::error, says("20 losses at least, and there are 5"));
}

BOOST_AUTO_TEST_SUITE_END()
