#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/excerpt.hpp>
#include <midtrain/annealing/exponential.hpp>
#include <midtrain/annealing/inverse_sqrt.hpp>
#include <midtrain/annealing/multi_step.hpp>
#include <midtrain/annealing/piecewise.hpp>
#include <midtrain/annealing/polynomial.hpp>
#include <midtrain/annealing/restarts.hpp>
#include <midtrain/annealing/then.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>

namespace mt = midtrain;

namespace {

struct numbers {
    double     peak, floor;
    mt::tokens steps, warmup, decay;
};

/// The rate of every fifth step of one token, against a scheduler's: both in double, so only rounding is between them.
template <class Policy>
void equals(mt::io::json const& wanted, numbers const& n, Policy const& policy) {
    auto const& rates = *wanted.find("rates")->as<mt::io::json::array>();
    BOOST_REQUIRE(static_cast<std::int64_t>(rates.size()) == (n.steps.count + 4) / 5);
    double worst = 0;
    for (std::size_t i = 0; i < rates.size(); ++i) {
        auto const step = static_cast<std::int64_t>(5 * i);
        worst = std::max(worst, std::abs(policy.rate({step, {step}, n.steps, {1}}) - *rates[i].as<double>()) / n.peak);
    }
    BOOST_TEST(worst < 1e-12);
}

/// Up from `from` over the warm-up, then another policy.
template <class Policy>
auto after_warmup(numbers const& n, double from, Policy const& policy) {
    return mt::then{.first = mt::linear{.from = from, .to = n.peak}, .until = n.warmup, .second = policy};
}
/// Stable, then down in a shape.
template <class Shape>
auto stable_decay(numbers const& n) {
    return mt::wsd_of<Shape>{.peak = n.peak, .decay = n.decay, .floor = n.floor};
}

void compare_more(mt::io::json const& c, std::string const& schedule, numbers const& n) {
    mt::tokens const seventh{n.steps.count / 7};
    if (schedule == "inverse_sqrt") equals(c, n, mt::inverse_sqrt{.peak = n.peak, .warmup = n.warmup});
    else if (schedule == "inverse_sqrt_timescale")
        equals(c, n, mt::inverse_sqrt{.peak = n.peak, .warmup = n.warmup, .timescale = 2 * n.decay});
    else if (schedule == "warmup_polynomial") equals(c, n, after_warmup(n, 0, mt::polynomial{.from = n.peak, .to = n.floor, .power = 2.5}));
    else if (schedule == "warmup_cosine_restarts") equals(c, n, after_warmup(n, 0, mt::cosine_restarts{.from = n.peak, .to = 0, .cycles = 3}));
    else if (schedule == "torch_warm_restarts")  // a fourth cycle has begun where steps do not divide by seven
        equals(c, n, mt::excerpt<mt::cosine_restarts>{.of = 15 * seventh, .policy = {.from = n.peak, .to = n.floor, .cycles = 4, .longer = 2}});
    else if (schedule == "torch_multi_step")
        equals(c, n, mt::multi_step{.peak = n.peak, .steps = {{.after = mt::tokens{n.steps.count / 2}, .times = 0.3}, {.after = n.steps - n.decay, .times = 0.09}}});
    else if (schedule == "torch_exponential") equals(c, n, mt::half_life{.from = n.peak, .every = n.decay});
    else if (schedule == "torch_sequence") {
        auto const rate = [&](double share) { return share * n.peak; };
        equals(c, n, mt::piecewise{.points = {{.at = mt::tokens{}, .rate = rate(0.1)}, {.at = n.warmup, .rate = rate(1)},
                                              {.at = n.steps - n.decay, .rate = rate(0.4)}, {.at = n.steps, .rate = rate(0.2)}}});
        equals(c, n, mt::piecewise_steps{.points = {{.at = 0, .rate = rate(0.1)}, {.at = n.warmup.count, .rate = rate(1)},
                                                    {.at = n.steps.count - n.decay.count, .rate = rate(0.4)}, {.at = n.steps.count, .rate = rate(0.2)}}});
    } else BOOST_ERROR("no policy for " + schedule);
}

void compare(mt::io::json const& c, std::string const& schedule, numbers const& n) {
    namespace a = mt::annealing;
    if (schedule == "constant") equals(c, n, mt::constant{.peak = n.peak});
    else if (schedule == "warmup_constant") equals(c, n, after_warmup(n, 0, mt::constant{.peak = n.peak}));
    else if (schedule == "warmup_linear") equals(c, n, after_warmup(n, 0, mt::linear{.from = n.peak, .to = 0}));
    else if (schedule == "warmup_cosine") equals(c, n, after_warmup(n, 0, mt::cosine{.from = n.peak, .to = 0}));
    else if (schedule == "warmup_cosine_floor") equals(c, n, after_warmup(n, 0, mt::cosine{.from = n.peak, .to = n.floor}));
    // The warm-up of transformers' wsd begins at the floor.
    else if (schedule == "wsd_linear") equals(c, n, after_warmup(n, n.floor, stable_decay<a::linear_shape>(n)));
    else if (schedule == "wsd_cosine") equals(c, n, after_warmup(n, n.floor, stable_decay<a::cosine_shape>(n)));
    else if (schedule == "wsd_1-sqrt") equals(c, n, after_warmup(n, n.floor, stable_decay<a::one_minus_sqrt_shape>(n)));
    else if (schedule == "torch_linear") equals(c, n, mt::linear{.from = n.peak, .to = n.floor});
    else if (schedule == "torch_cosine") equals(c, n, mt::cosine{.from = n.peak, .to = n.floor});
    else compare_more(c, schedule, n);
    if (schedule == "wsd_linear" && n.floor == 0) equals(c, n, mt::wsd{.peak = n.peak, .decay = n.decay, .warmup = n.warmup});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(annealing_against_schedulers)

BOOST_AUTO_TEST_CASE(every_schedule_of_transformers_and_torch) {
    mt::io::mapped_file const file(MIDTRAIN_SOURCE_DIR "/tests/golden/rates.json");
    auto const all   = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, file.path());
    auto const cases = all.find("cases")->as<mt::io::json::array>();
    BOOST_TEST(cases->size() == 54u);
    for (auto const& c : *cases) {
        auto const number = [&](char const* key) { return *c.find(key)->as<double>(); };
        auto const count  = [&](char const* key) { return mt::tokens{static_cast<std::int64_t>(number(key))}; };
        auto const& name  = *c.find("schedule")->as<std::string>();
        BOOST_TEST_CONTEXT(name << ", " << number("steps") << " steps, floor " << number("floor"))
            compare(c, name, {number("peak"), number("floor"), count("steps"), count("warmup"), count("decay")});
    }
}

BOOST_AUTO_TEST_SUITE_END()
