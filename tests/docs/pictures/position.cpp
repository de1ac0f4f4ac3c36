#include <algorithm>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/position/context_steps.hpp>
#include <midtrain/position/none.hpp>
#include <midtrain/position/partial.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/scaled.hpp>
#include "picture.hpp"

namespace pictures {
namespace {

// A head of 128 values, trained on 4,096 tokens with a base of 10,000 and read at 32,768.
constexpr mt::index_t head = 128, trained = 4096, extended = 32768;
constexpr double      base = 1e4;
mt::rope const        plain{.base = base, .length = trained};

/// Tokens in which each pair turns once: 2 pi / h(theta).
template <class Policy>
series wavelength(std::string name, look style, Policy const& policy, mt::index_t length = extended) {
    return points(std::move(name), style, head / 2, [&](double pair) {
        return 2 * mt::math::pi / policy.inverse_frequency(static_cast<mt::index_t>(pair), head, length);
    });
}
/// h(theta) / theta; pairs that do not turn have none.
template <class Policy>
series ratio(std::string name, look style, Policy const& policy, mt::index_t length = extended) {
    mt::index_t const turning = mt::rotary_width_of(policy, head);
    return points(std::move(name), style, head / 2, [&](double pair) {
        auto const i = static_cast<mt::index_t>(pair);
        return i < turning / 2 ? policy.inverse_frequency(i, turning, length) / plain.inverse_frequency(i, head, length) : 0.0;
    });
}
series level(std::string name, double tokens) {
    return line(std::move(name), {"#777777", "2 3"}, 0, head / 2 - 1, [&](double) { return tokens; });
}

picture waves(std::string name, std::string title, std::string heading, std::vector<series> lines) {
    lines.push_back(level("trained", trained));
    return {.name = std::move(name), .title = std::move(title), .heading = std::move(heading), .x = {"pair", 0, head / 2 - 1},
            .y = {"tokens a turn", 5, 8e6, mt::chart::tokens_label, true}, .lines = std::move(lines)};
}
picture ratios(std::string name, std::string title, std::string heading, std::vector<series> lines) {
    return {.name = std::move(name), .title = std::move(title), .heading = std::move(heading), .x = {"pair", 0, head / 2 - 1},
            .y = {"frequency / that of plain rope", 0, 1.05}, .lines = std::move(lines)};
}

picture larger_bases(std::vector<series> lines) {
    auto p   = waves("ntk", "Larger bases by formulas", "ntk, dynamic_ntk", std::move(lines));
    p.y.high = 1e8;
    return p;
}

/// The list is made up: YaRN's, and a little more the slower the pair.
picture longrope() {
    mt::yarn const yarn{.base = base, .trained = trained, .extended = extended};
    mt::longrope   policy{.base = base, .trained = trained, .extended = extended};
    for (mt::index_t i = 0; i < head / 2; ++i) {
        double const by_yarn = plain.inverse_frequency(i, head, extended) / yarn.inverse_frequency(i, head, extended);
        policy.long_factor.push_back(std::min(8.0, by_yarn * (1 + 0.004 * static_cast<double>(i))));
    }
    return ratios("longrope", "A list of factors, one for each pair; made up", "longrope",
                  {ratio("short list", look_of(0), policy, trained), ratio("long list", look_of(1), policy), ratio("yarn", dashes(2), yarn)});
}

picture temperatures() {
    auto const over = [](std::string name, std::size_t n, auto const& policy_of) {
        return line(std::move(name), look_of(n), 1, 64, [&](double s) { return policy_of(static_cast<mt::index_t>(trained * s)).temperature(trained); }, true);
    };
    return {.name = "temperatures", .title = "The temperature of queries and keys over the stretch", .heading = "yarn's, longrope's heat",
            .x = {"stretch", 1, 64, mt::chart::plain_label, true}, .y = {"\u03B1", 0.95, 1.45},
            .lines = {over("yarn", 0, [](mt::index_t n) { return mt::yarn{.base = base, .trained = trained, .extended = n}; }),
                      over("longrope", 1, [](mt::index_t n) { return mt::longrope{.base = base, .trained = trained, .extended = n}; }),
                      over("all others", 2, [](mt::index_t n) { return mt::by_parts{.base = base, .trained = trained, .extended = n}; })}};
}

picture steps() {
    mt::context_steps const policy{.from = 8192, .to = 131'072, .steps = 6};
    return {.name = "context_steps", .title = "A context that grows in six steps", .heading = "context in six steps", .x = {"step", 0, 7},
            .y = {"tokens", 4096, 262'144, [](double x) { return mt::chart::number("%gk", x / 1024); }, true},
            .lines = {line("", look_of(0), 0, 7, [&](double x) { return static_cast<double>(policy.length(static_cast<int>(x))); })}};
}

}  // namespace

std::vector<picture> of_position() {
    mt::interpolated const interpolated{.base = base, .trained = trained, .extended = extended};
    mt::yarn const         yarn{.base = base, .trained = trained, .extended = extended};
    auto                   by_turns = yarn;
    by_turns.ramp                   = mt::yarn_ramp::turns;
    auto const rope = wavelength("rope", look_of(0), plain);
    return {waves("rope", "Bases", "rope: larger bases",
                  {rope, wavelength("base 1e5", look_of(1), mt::rope{.base = 1e5, .length = extended}),
                   wavelength("base 1e6", look_of(2), mt::rope{.base = 1e6, .length = extended})}),
            waves("interpolated", "Interpolation by 8", "interpolated", {rope, wavelength("interpolated", look_of(1), interpolated)}),
            larger_bases({rope, wavelength("ntk", look_of(1), mt::ntk{.base = base, .trained = trained, .extended = extended}),
                          wavelength("ntk_alpha 1000", look_of(2), mt::ntk_alpha{.base = base, .alpha = 1000, .length = 262'144}),
                          wavelength("dynamic at 8k", look_of(3), mt::dynamic_ntk{.base = base, .trained = trained, .extended = extended}, 8192)}),
            ratios("by_parts", "By parts, from 4,096 to 32,768", "by_parts, llama3",
                   {ratio("by_parts", look_of(0), mt::by_parts{.base = base, .trained = trained, .extended = extended}),
                    ratio("llama3", look_of(1), mt::llama3{.base = base, .trained = trained, .extended = extended, .factor = 8}),
                    ratio("interpolated", dashes(2), interpolated)}),
            ratios("yarn", "YaRN's two ramps, from 4,096 to 32,768", "yarn",
                   {ratio("ramp: pairs", look_of(0), yarn), ratio("ramp: turns", look_of(1), by_turns), ratio("interpolated", dashes(2), interpolated)}),
            longrope(),
            ratios("parts", "What leaves some of a head alone", "proportional, partial",
                   {ratio("proportional .25", look_of(0), mt::proportional{.base = base, .length = trained, .share = 0.25}),
                    ratio("partial .5", look_of(1), mt::partial<mt::rope>{.share = 0.5, .policy = plain}),
                    ratio("none", look_of(2), mt::no_positions{.length = trained})}),
            temperatures(), steps()};
}

}  // namespace pictures
