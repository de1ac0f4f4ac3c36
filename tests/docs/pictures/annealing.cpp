#include <string>
#include <utility>
#include <vector>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/cooldown.hpp>
#include <midtrain/annealing/cooled.hpp>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/excerpt.hpp>
#include <midtrain/annealing/exponential.hpp>
#include <midtrain/annealing/infinite.hpp>
#include <midtrain/annealing/inverse_sqrt.hpp>
#include <midtrain/annealing/multi_step.hpp>
#include <midtrain/annealing/piecewise.hpp>
#include <midtrain/annealing/polynomial.hpp>
#include <midtrain/annealing/power_law.hpp>
#include <midtrain/annealing/power_scheduler.hpp>
#include <midtrain/annealing/restarts.hpp>
#include <midtrain/annealing/then.hpp>
#include <midtrain/annealing/warmup.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/annealing/wsd_s.hpp>
#include "picture.hpp"

namespace pictures {
namespace {

using namespace mt::literals;
namespace annealing = mt::annealing;

scale const rate_scale{"rate / peak", 0, 1.05};
scale const tokens_scale{"tokens", 0, stage_tokens, mt::chart::tokens_label};

/// A policy's rate over a stage of `budget` tokens that begins after `from`.
template <class Policy>
series rate(std::string name, look style, Policy const& policy, double budget = stage_tokens, double from = 0) {
    return line(std::move(name), style, from, from + budget, [&](double x) { return policy.rate(stage_at(x - from, budget)); });
}
template <class Shape>
series shape(std::string name, std::size_t n, Shape const& s, double to = 0) {
    annealing::decay<Shape> const policy{.from = 1, .to = to, .shape = s};
    return line(std::move(name), look_of(n), 0, 1, [&](double r) { return policy.rate(stage_at(r * stage_tokens)); });
}

picture shapes(std::string name, std::string heading, std::vector<series> lines) {
    return {.name = std::move(name), .title = "Shapes of a decay", .heading = std::move(heading), .x = {"share of the decay"},
            .y = {"what is left", 0, 1.05}, .lines = std::move(lines)};
}
picture schedule(std::string name, std::string title, std::string heading, std::vector<series> lines) {
    return {.name = std::move(name), .title = std::move(title), .heading = std::move(heading), .x = tokens_scale, .y = rate_scale,
            .lines = std::move(lines)};
}

picture three_exponentials() {
    auto p = shapes("exponentials", "exponentials, half_life",
                    {shape("exponential", 0, annealing::exponential_shape{}, 0.1), shape("inverse", 1, annealing::inverse_shape{}, 0.1),
                     shape("halving", 2, annealing::halving_shape{}, 0.1),
                     line("half_life", dashes(3), 0, 1, [](double r) {
                         return annealing::half_life{.from = 1, .every = 30_Gtok}.rate(stage_at(r * stage_tokens));
                     })});
    p.y.name = "rate / peak, floor 0.1";
    return p;
}

/// The first steps of a warm-up over 8 steps.
picture warmups() {
    auto const step = [](int n) { return mt::progress{n, n * 1_Gtok, 100_Gtok, 1_Gtok}; };
    auto const dots = [&](std::string name, std::size_t n, auto const& policy) {
        return dotted(points(std::move(name), look_of(n), 13, [&](double s) { return policy.rate(step(static_cast<int>(s))); }));
    };
    return {.name = "warmups", .title = "Warm-ups over 8 steps", .heading = "warm-ups", .x = {"step", -0.5, 12.5}, .y = rate_scale,
            .lines = {dots("zero", 0, mt::wsd{.peak = 1, .decay = 0_tok, .warmup = 8_Gtok}),
                      dots("one_batch", 1, mt::wsd{.peak = 1, .decay = 0_tok, .warmup = 8_Gtok, .from = mt::warmup_from::one_batch}),
                      dots("start = 0.4", 2, mt::wsd{.peak = 1, .decay = 0_tok, .warmup = 8_Gtok, .start = 0.4})}};
}

picture cooldowns() {
    auto const fork = [](std::string name, std::size_t n, double from, auto policy) {
        policy.from = 1.0;  // what the trunk's checkpoint says
        return rate(std::move(name), look_of(n), policy, 20e9, from);
    };
    return schedule("cooldown", "Cooldowns that fork from a constant trunk", "constant, cooldown forks",
                    {rate("constant", look_of(0), mt::constant{.peak = 1}), fork("linear", 1, 30e9, mt::cooldown{}),
                     fork("one_minus_sqrt", 2, 55e9, mt::cooldown_of<annealing::one_minus_sqrt_shape>{}),
                     fork("to a fifth", 3, 80e9, mt::cooldown{.to_share = 0.2})});
}

picture composed() {
    mt::then const continuous{.first = mt::linear{.from = 0, .to = 1}, .until = 10_Gtok, .second = mt::cosine{.from = 1, .to = 0.1}};
    mt::then const jumping{.first = mt::linear{.from = 0.8, .to = 0.5}, .until = 50_Gtok, .second = mt::linear{.from = 0.3, .to = 0},
                           .at_joint = mt::joint::jump};
    mt::warmed<mt::one_minus_sqrt> const again{.over = 20_Gtok, .policy = {.from = 0.9, .to = 0}, .start = 0.2};
    return schedule("composed", "Policies one after another", "then, warmed",
                    {rate("then", look_of(0), continuous), rate("then, jump", look_of(1), jumping), rate("warmed", look_of(2), again)});
}

picture cut() {
    mt::cosine const              whole{.from = 1, .to = 0.1};
    mt::excerpt<mt::cosine> const part{.of = 128_Gtok, .policy = whole};
    auto p = schedule("excerpt", "A stretch of a longer cosine, and the same with a tail", "excerpt, cooled",
                      {rate("planned", dashes(0), whole, 128e9), rate("excerpt", look_of(0), part),
                       rate("cooled", look_of(1), mt::cooled<mt::excerpt<mt::cosine>>{.decay = 30_Gtok, .policy = part})});
    p.x.high = 128e9;
    return p;
}

picture plans() {
    mt::piecewise const plan{.points = {{0_Gtok, 0}, {5_Gtok, 1}, {45_Gtok, 0.5}, {60_Gtok, 0.5}, {95_Gtok, 0.05}}};
    mt::multi_step const steps{.peak = 1, .steps = {{80_Gtok, 0.316}, {90_Gtok, 0.1}}};
    return schedule("plans", "Rates through points", "multi_step, piecewise",
                    {rate("multi_step", look_of(0), steps), rate("piecewise", look_of(1), plan)});
}

picture endless() {
    return schedule("endless", "Rates that know no end", "inverse_sqrt, power_law",
                    {rate("inverse_sqrt", look_of(0), mt::inverse_sqrt{.peak = 1, .warmup = 5_Gtok}),
                     rate("T = 20G", look_of(1), mt::inverse_sqrt{.peak = 1, .warmup = 5_Gtok, .timescale = 20_Gtok}),
                     rate("power_law", look_of(2), mt::power_law{.peak = 1, .over = 5_Gtok})});
}

picture power() {
    mt::power_scheduler const policy{.peak = 1, .scale = mt::math::pow(10e9, 0.51)};
    return schedule("power_scheduler", "The power scheduler, alone and with a tail", "power_scheduler",
                    {rate("alone", look_of(0), policy),
                     rate("cooled", look_of(1), mt::cooled<mt::power_scheduler>{.decay = 25_Gtok, .policy = policy})});
}

}  // namespace

std::vector<picture> of_annealing() {
    using namespace annealing;
    wsd_s_of<> const several{.peak = 1, .decay = 0.2, .ends = {40_Gtok, 70_Gtok}, .warmup = 4_Gtok, .floor = 0.1};
    return {shapes("decay_slow_first", "slow first: square, rex",
                   {shape("linear", 0, linear_shape{}), shape("square", 1, square_shape{}), shape("rex", 2, rex_shape{}),
                    shape("rex, bend 0.1", 3, rex_shape{.bend = 0.1}), shape("two_part", 4, two_part_shape{})}),
            shapes("decay_fast_first", "fast first: 1 \u2212 \u221Ar",
                   {shape("linear", 0, linear_shape{}), shape("one_minus_sqrt", 1, one_minus_sqrt_shape{}), shape("polynomial", 2, polynomial_shape{}),
                    shape("halving", 3, halving_shape{})}),
            shapes("decay_cosine", "cosine, mirror_cosine",
                   {shape("linear", 0, linear_shape{}), shape("cosine", 1, cosine_shape{}), shape("mirror_cosine", 2, mirror_cosine_shape{}),
                    shape("half_cosine", 3, half_cosine_shape{})}),
            three_exponentials(), warmups(),
            schedule("wsd", "Warm-up, stable, decay", "wsd",
                     {rate("linear", look_of(0), wsd{.peak = 1, .decay = 40_Gtok, .warmup = 5_Gtok}),
                      rate("cosine", look_of(1), wsd_of<cosine_shape>{.peak = 1, .decay = 40_Gtok, .warmup = 5_Gtok}),
                      rate("one_minus_sqrt", look_of(2), wsd_of<one_minus_sqrt_shape>{.peak = 1, .decay = 40_Gtok, .warmup = 5_Gtok})}),
            schedule("wsd_s", "Several decays in one run", "wsd_s", {rate("wsd_s", look_of(0), several)}), cooldowns(),
            schedule("infinite", "The infinite schedule", "infinite",
                     {rate("infinite", look_of(0),
                           mt::infinite{.peak = 1, .held = 0.4, .floor = 0.04, .fall = 35_Gtok, .decay = 20_Gtok, .warmup = 4_Gtok})}),
            schedule("restarts", "The same decay again and again", "restarts",
                     {rate("four cycles", look_of(0), cosine_restarts{.from = 1, .to = 0.05, .cycles = 4}),
                      rate("longer, lower", look_of(1), cosine_restarts{.from = 1, .to = 0.05, .cycles = 3, .longer = 2, .lower = 0.7})}),
            endless(), power(), plans(), cut(), composed()};
}

}  // namespace pictures
