#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/mixture/doremi.hpp>
#include <midtrain/mixture/odm.hpp>

namespace mt = midtrain;
using namespace mt::literals;

namespace {

template <class T>
struct five {
    T a, b, c, d, e;
};
constexpr five<mt::weight> even{.2, .2, .2, .2, .2};

double number(mt::io::json const& of, char const* key) { return *of.find(key)->as<double>(); }
/// A row of numbers; null is what a step without targets of that source records.
std::array<double, 5> row(mt::io::json const& of) {
    std::array<double, 5> v{};
    auto const&           all = *of.as<mt::io::json::array>();
    BOOST_REQUIRE(all.size() == 5);
    for (std::size_t i = 0; i < 5; ++i) v[i] = all[i].as<double>() ? *all[i].as<double>() : std::numeric_limits<double>::quiet_NaN();
    return v;
}
double farthest(auto const& a, auto const& b) {
    double far = 0;
    for (std::size_t i = 0; i < 5; ++i) far = std::max(far, std::abs(a[i] - b[i]));
    return far;
}

/// Steps as a run records them, a window of `hold` equal ones for each of the golden's, and the weights that the golden has after it.
struct told {
    std::vector<double>                record;
    std::vector<std::array<double, 5>> weights;

    told(mt::io::json const& of, std::int64_t hold) {
        for (auto const& x : *of.find("losses")->as<mt::io::json::array>())
            for (std::int64_t k = 0; k < hold; ++k) {
                record.push_back(1);
                for (double loss : row(x)) record.push_back(loss);
            }
        for (auto const& x : *of.find("weights")->as<mt::io::json::array>()) weights.push_back(row(x));
        BOOST_REQUIRE(!weights.empty() && record.size() == 6 * weights.size() * static_cast<std::size_t>(hold));
    }
    mt::loss_record after(std::int64_t steps) const { return {.values = std::span(record).first(static_cast<std::size_t>(6 * steps)), .sources = 5}; }
};
mt::progress at(std::int64_t steps) { return {steps, {steps * 1000}, 1_Mtok, 1000_tok}; }

template <class Policy>
void has_the_weights(Policy const& p, told const& t) {
    BOOST_TEST(farthest(p.weights(at(0), t.after(0)), mt::as_array(even)) == 0);
    for (std::size_t n = 1; n <= t.weights.size(); ++n) {
        auto const steps = static_cast<std::int64_t>(n) * p.window();
        BOOST_TEST(farthest(p.weights(at(steps), t.after(steps)), t.weights[n - 1]) < 1e-12, n << " windows");
    }
}
template <class F>
void each_case(char const* kind, F const& f) {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/mixtures.json");
    auto const all = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    for (auto const& c : *all.find(kind)->as<mt::io::json::array>()) f(c);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mixtures_against_their_papers)

BOOST_AUTO_TEST_CASE(doremi_is_algorithm_1_with_losses_by_token) {
    each_case("doremi", [](mt::io::json const& c) {
        auto const r = row(*c.find("reference")), mean = row(*c.find("mean"));
        for (std::int64_t hold : {1, 3}) {
            told const                   t(c, hold);
            mt::doremi_mixture<five> const p{.prior = even, .reference = {r[0], r[1], r[2], r[3], r[4]}, .hold = hold,
                                             .step_size = number(c, "step_size"), .smoothing = number(c, "smoothing")};
            has_the_weights(p, t);
            // The paper's mean begins behind the first update, ours with the window that is drawn before it.
            auto const n     = static_cast<double>(t.weights.size());
            auto       after = p.mean_weights(at(static_cast<std::int64_t>(n) * hold), t.after(static_cast<std::int64_t>(n) * hold));
            for (double& x : after) x = (x * (n + 1) - 0.2) / n;
            BOOST_TEST(farthest(after, mean) < 1e-12);
        }
    });
}
BOOST_AUTO_TEST_CASE(odm_is_algorithm_1_with_draws) {
    each_case("odm", [](mt::io::json const& c) {
        for (std::int64_t hold : {1, 4}) has_the_weights(mt::odm_mixture<five>{.prior = even, .hold = hold, .memory = number(c, "memory")}, told(c, hold));
    });
}

BOOST_AUTO_TEST_SUITE_END()
