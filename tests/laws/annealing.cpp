// Laws of every annealing policy over parameters drawn by chance: finite and not negative, within its bounds, at its end where it says,
// never rising where that is promised, and the same when it is entered at any token.
#include <boost/test/unit_test.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <laws/laws.hpp>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/annealing/batch_ramp.hpp>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/cooldown.hpp>
#include <midtrain/annealing/cooled.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/excerpt.hpp>
#include <midtrain/annealing/exponential.hpp>
#include <midtrain/annealing/infinite.hpp>
#include <midtrain/annealing/inverse_sqrt.hpp>
#include <midtrain/annealing/joined.hpp>
#include <midtrain/annealing/multi_step.hpp>
#include <midtrain/annealing/piecewise.hpp>
#include <midtrain/annealing/polynomial.hpp>
#include <midtrain/annealing/power_law.hpp>
#include <midtrain/annealing/power_scheduler.hpp>
#include <midtrain/annealing/reduce_on_plateau.hpp>
#include <midtrain/annealing/restarts.hpp>
#include <midtrain/annealing/scaled_by_batch.hpp>
#include <midtrain/annealing/then.hpp>
#include <midtrain/annealing/warmup.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/annealing/wsd_s.hpp>
#include <midtrain/core/random.hpp>

namespace mt = midtrain;
namespace an = mt::annealing;
using namespace mt::literals;

namespace annealing_laws {

// Shapes without numbers weigh nothing, and policies are judged by the compiler.
static_assert(sizeof(mt::linear) == 2 * sizeof(double) && sizeof(mt::cosine) == sizeof(mt::linear) && sizeof(an::square_shape) == 1);
static_assert(sizeof(mt::wsd) == sizeof(mt::wsd_of<an::cosine_shape>) && sizeof(mt::rex) == 3 * sizeof(double) && sizeof(an::unchanged) == 1);
static_assert(mt::wsd{.peak = 1, .decay = 50_tok}.rate({75, {75}, {100}, {1}}) == 0.5);
static_assert(mt::cooldown{.to_share = 1}.rate({5, {5}, {10}, {1}}) == 1 && mt::wsd_s{.peak = 2, .decay = 0.5, .ends = {50_tok}}.rate({0, {50}, {100}, {1}}) == 2);

/// One draw of numbers that fit each other.
struct numbers {
    mt::random_stream random{11, 3};
    std::uint64_t     at = 0;

    double       share() { return random.uniform(at++); }
    std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(random.bits(at++) % static_cast<std::uint64_t>(n)); }
};

enum class promise { falls, nothing };

/// The laws, and that the rate stays between `least` and `most`; over and entered at any token as an excerpt, the same.
template <class Policy>
void holds(char const* name, Policy const& p, mt::tokens budget, double end, double least, double most, promise kept, std::int64_t enter) {
    BOOST_TEST_CONTEXT(name << " over " << budget.count << " tokens") {
        BOOST_TEST(an::part_fits(p, budget));
        BOOST_TEST(laws::annealing(p, budget, end) == "");
        double before = mt::math::infinity, near = 1e-12 * most;
        bool   bounded = true, falling = true, same = true;
        an::excerpt<Policy> const entered{.of = budget, .skip = {enter}, .policy = p};
        for (std::int64_t k = 0; k <= 500; ++k) {
            mt::tokens const seen{budget.count / 500 * k + budget.count % 500 * k / 500};
            double const     r = p.rate({k, seen, budget, {1}});
            bounded &= r >= least - near && r <= most + near;
            falling &= r <= before + near;
            if (seen.count >= enter) same &= entered.rate({0, {seen.count - enter}, {budget.count - enter}, {1}}) == r;
            before = r;
        }
        BOOST_TEST(bounded);
        BOOST_TEST((falling || kept == promise::nothing));
        BOOST_TEST(same);
    }
}

template <class Shape>
void shape_holds(char const* name, Shape const& shape, mt::tokens budget, double peak, double floor, mt::tokens warmup, mt::tokens decay, std::int64_t enter) {
    holds(name, an::decay<Shape>{.from = peak, .to = floor, .shape = shape}, budget, floor, floor, peak, promise::falls, enter);
    holds(name, mt::wsd_of<Shape>{.peak = peak, .decay = decay, .warmup = warmup, .floor = floor, .shape = shape}, budget, floor, 0, peak, promise::nothing, enter);
    holds(name, mt::cooldown_of<Shape>{.from = peak, .to = floor, .shape = shape}, budget, floor, floor, peak, promise::falls, enter);
    holds(name, mt::cooled<mt::constant, Shape>{.decay = decay, .policy = {.peak = peak}, .floor = floor, .shape = shape}, budget, floor, floor, peak,
          promise::falls, enter);
    holds(name, mt::restarts_of<Shape>{.from = peak, .to = floor, .cycles = 3, .longer = 1.5, .lower = 0.5, .shape = shape}, budget, floor, floor, peak,
          promise::nothing, enter);
    holds(name, mt::wsd_s_of<Shape>{.peak = peak, .decay = 0.2, .ends = {{budget.count / 2}}, .floor = floor, .shape = shape}, budget, floor, floor, peak,
          promise::nothing, enter);
}

}  // namespace annealing_laws

using namespace annealing_laws;

BOOST_AUTO_TEST_SUITE(laws_of_annealing)

BOOST_AUTO_TEST_CASE(every_shape_in_every_policy) {
    numbers n;
    for (int draw = 0; draw < 40; ++draw) {
        mt::tokens const budget{3000 + n.below(1'000'000'000)}, warmup{n.below(budget.count / 4)}, decay{1 + n.below(budget.count / 2)};
        double const     peak = 1e-5 + 1e-2 * n.share(), floor = peak * (0.01 + 0.9 * n.share());
        auto const       enter = n.below(budget.count);
        auto const       each  = [&](char const* name, auto const& shape) { shape_holds(name, shape, budget, peak, floor, warmup, decay, enter); };
        each("linear", an::linear_shape{}), each("cosine", an::cosine_shape{}), each("one_minus_sqrt", an::one_minus_sqrt_shape{});
        each("square", an::square_shape{}), each("mirror_cosine", an::mirror_cosine_shape{}), each("halving", an::halving_shape{});
        each("half_cosine", an::half_cosine_shape{});
        each("exponential", an::exponential_shape{}), each("inverse", an::inverse_shape{}), each("rex", an::rex_shape{.bend = 0.05 + 0.95 * n.share()});
        each("polynomial", an::polynomial_shape{.power = 0.2 + 3 * n.share()});
        each("two_part", an::two_part_shape{.turn = 0.05 + 0.9 * n.share(), .at_turn = n.share()});
    }
}
BOOST_AUTO_TEST_CASE(the_others) {
    numbers n;
    for (int draw = 0; draw < 40; ++draw) {
        mt::tokens const budget{3000 + n.below(1'000'000'000)}, warmup{1 + n.below(budget.count / 4)}, part{1 + n.below(budget.count / 3)};
        double const     peak = 1e-5 + 1e-2 * n.share(), floor = peak * (0.01 + 0.5 * n.share()), held = floor + (peak - floor) * n.share();
        auto const       enter = n.below(budget.count);
        double const     b = static_cast<double>(budget.count), w = static_cast<double>(warmup.count), t = static_cast<double>(part.count);
        holds("half_life", mt::half_life{.from = peak, .every = part, .floor = floor}, budget, floor + (peak - floor) * std::pow(0.5, b / t), floor, peak,
              promise::falls, enter);
        holds("polynomial", mt::polynomial{.from = peak, .to = floor, .power = 1.5}, budget, floor, floor, peak, promise::falls, enter);
        holds("inverse_sqrt", mt::inverse_sqrt{.peak = peak, .warmup = warmup}, budget, peak * std::sqrt(w / b), 0, peak, promise::nothing, enter);
        holds("inverse_sqrt", mt::inverse_sqrt{.peak = peak, .warmup = warmup, .timescale = part, .floor = floor}, budget,
              floor + (peak - floor) * std::sqrt(t / (b - w + t)), 0, peak, promise::nothing, enter);
        holds("power_scheduler", mt::power_scheduler{.peak = peak, .scale = peak * std::sqrt(t), .exponent = -0.5}, budget,
              peak * std::min(1.0, std::sqrt(t / b)), 0, peak, promise::falls, enter);
        holds("infinite", mt::infinite{.peak = peak, .held = held, .floor = floor, .fall = part, .decay = part, .warmup = warmup}, budget, floor, 0, peak,
              promise::nothing, enter);
        holds("multi_step", mt::multi_step{.peak = peak, .steps = {{.after = part, .times = 0.316}, {.after = part + part, .times = 0.1}}}, budget, 0.1 * peak,
              0.1 * peak, peak, promise::falls, enter);
        holds("piecewise", mt::piecewise{.points = {{.at = 0_tok, .rate = peak}, {.at = part, .rate = held}, {.at = budget, .rate = floor}}}, budget, floor,
              floor, peak, promise::falls, enter);
        holds("warmed", mt::warmed<mt::cosine>{.over = warmup, .policy = {.from = peak, .to = floor}, .start = 2 * peak}, budget, floor, floor, 2 * peak,
              promise::falls, enter);
        holds("warmed", mt::warmed<mt::cosine>{.over = warmup, .policy = {.from = peak, .to = floor}, .from = mt::warmup_from::one_batch}, budget, floor, 0,
              peak, promise::nothing, enter);
        holds("power_law", mt::power_law{.peak = peak, .over = part, .exponent = -0.51, .floor = floor}, budget,
              floor + (peak - floor) * std::pow((b + t) / t, -0.51), floor, peak, promise::falls, enter);
        mt::then const fall{.first = mt::cosine{.from = peak, .to = held}, .until = part, .second = mt::linear{.from = held, .to = floor}};
        holds("then", fall, budget, floor, floor, peak, promise::falls, enter);
        holds("then in then", mt::then{.first = mt::linear{.from = 0, .to = peak}, .until = warmup, .second = fall}, budget, floor, 0, peak, promise::nothing,
              enter);
        using row = an::joined<an::one_annealing>;
        row const parts{.parts = {{.over = warmup, .rate = mt::linear{.from = 0, .to = peak}}, {.over = part, .rate = mt::cosine{.from = peak, .to = held}},
                                  {.rate = mt::reduce_on_plateau<an::annealing_choice<>>{.policy = mt::linear{.from = held, .to = floor}}}}};
        holds("joined", parts, budget, floor, 0, peak, promise::nothing, enter);
    }
}
BOOST_AUTO_TEST_CASE(a_rate_grows_with_its_batch) {
    mt::scaled_by_batch<mt::constant> const p{.of = 100_tok, .policy = {.peak = 1e-3}};
    BOOST_TEST(p.rate({0, {}, {1000}, {100}}) == 1e-3);
    BOOST_TEST(std::abs(p.rate({0, {}, {1000}, {400}}) - 2e-3) < 1e-17);
}
// Both conventions meet the peak, and none leaves it before the policy does.
BOOST_AUTO_TEST_CASE(warm_ups_by_convention) {
    for (auto const from : {mt::warmup_from::zero, mt::warmup_from::one_batch}) {
        mt::warmed<mt::constant> const p{.over = 10_tok, .policy = {.peak = 1}, .start = 0.5, .from = from};
        std::int64_t const             first = from == mt::warmup_from::zero ? 0 : 1;
        for (std::int64_t s = 0; s < 20; ++s)
            BOOST_TEST(std::abs(p.rate({s, {s}, {20}, {1}}) - std::min(1.0, 0.5 + 0.05 * static_cast<double>(s + first))) < 1e-15);
    }
    BOOST_TEST(std::abs(mt::noam_peak(512, 4000) - std::pow(512.0, -0.5) * std::pow(4000.0, -0.5)) < 1e-18);
}

BOOST_AUTO_TEST_SUITE_END()
