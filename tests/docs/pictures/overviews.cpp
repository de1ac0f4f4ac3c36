// The three large pictures that several pages show.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/scaled.hpp>
#include <midtrain/train/plot.hpp>
#include "draw.hpp"
#include "picture.hpp"

namespace mt = midtrain;
using namespace mt::literals;
using mt::chart::axis, mt::chart::plot, mt::chart::series;

namespace {

constexpr double width = 760, height = 300, labels = 590;
constexpr int    steps = 120;

constexpr mt::progress at(int i) { return {.step = i, .seen = i * 2_Mtok, .budget = steps * 2_Mtok, .batch = 2_Mtok}; }

template <class Policy>
series rate_line(std::string name, Policy const& policy, std::size_t look) {
    series s{.name = std::move(name), .style = mt::chart::look_of(look), .pieces = {{}}};
    for (int i = 0; i <= steps; ++i) s.pieces[0].push_back({static_cast<double>(at(i).seen.count), policy.rate(at(i))});
    return s;
}

/// Ground, scales and lines, with the lines' names at their ends.
template <class X, class Y>
void draw(mt::chart::svg& to, plot const& p, std::vector<series> const& all, std::string const& title, X const& x_label, Y const& y_label) {
    mt::chart::draw_ground(to, p);
    mt::chart::draw_title(to, {p.left, p.top - 12}, title);
    mt::chart::draw_scale(to, p.y, p.left, p.right, 6, y_label);
    for (double t : p.x.ticks(8)) to.text({p.x(t), p.bottom + 16}, x_label(t), 11, "middle", "fill=\"#555555\"");
    for (auto const& s : all) mt::chart::draw_series(to, p, s);
    mt::chart::draw_end_labels(to, p, all, width - 10, y_label);
}

std::string rates() {
    std::vector<series> const all{
        rate_line("wsd", mt::wsd{.peak = 3e-4, .decay = 80_Mtok, .warmup = 20_Mtok}, 0),
        rate_line("wsd, 1 - sqrt", mt::wsd_of<mt::annealing::one_minus_sqrt_shape>{.peak = 3e-4, .decay = 80_Mtok, .warmup = 20_Mtok}, 1),
        rate_line("cosine", mt::cosine{.from = 3e-4, .to = 3e-5}, 2), rate_line("linear", mt::linear{.from = 3e-4, .to = 0}, 3)};
    mt::chart::svg to(width, height, "Learning rates as functions of progress");
    plot const     p{60, 34, labels, height - 30, {0, steps * 2e6, 60, labels}, {0, 3.2e-4, height - 30, 34}};
    draw(to, p, all, "Learning rate over the tokens of a stage", mt::chart::tokens_label, mt::chart::rate_label);
    return pictures::for_both_pages(to.finish());
}

template <class T>
struct sources {
    T web, code, maths;
};

std::string mixture() {
    constexpr mt::annealed_mixture<sources> policy{.from = {.web = .80, .code = .15, .maths = .05}, .to = {.web = .30, .code = .30, .maths = .40}};
    std::vector<double>                     x;
    std::vector<std::vector<double>>        tops(4);
    for (int i = 0; i <= steps; ++i) {
        auto const w = policy.weights(at(i));
        x.push_back(static_cast<double>(at(i).seen.count));
        double sum = 0;
        tops[0].push_back(0);
        for (std::size_t s = 0; s < w.size(); ++s) tops[s + 1].push_back(sum += w[s]);
    }
    mt::chart::svg to(width, height, "A mixture that moves");
    plot const     p{60, 34, labels, height - 30, {0, steps * 2e6, 60, labels}, {0, 1, height - 30, 34}};
    draw(to, p, {}, "Share of each source over the tokens of a stage", mt::chart::tokens_label, mt::chart::plain_label);
    std::vector<std::string> const names{"web", "code", "maths"};
    mt::chart::draw_areas(to, p, x, tops, names);
    for (std::size_t s = 0; s < names.size(); ++s) to.text({labels + 10, p.y((tops[s].back() + tops[s + 1].back()) / 2) + 4}, names[s], 12);
    return pictures::for_both_pages(to.finish());
}

/// How often each pair turns over the whole context, for a head of 64 trained on 4,096 tokens.
template <class Policy>
series turns(std::string name, Policy const& policy, std::size_t look) {
    series s{.name = std::move(name), .style = mt::chart::look_of(look), .pieces = {{}}};
    for (mt::index_t pair = 0; pair < 32; ++pair)
        s.pieces[0].push_back({static_cast<double>(pair),
                               static_cast<double>(policy.context()) * policy.inverse_frequency(pair, 64, policy.context()) / (2 * mt::math::pi)});
    return s;
}

std::string positions() {
    std::vector<series> const all{
        turns("rope, 4,096", mt::rope{.base = 1e4, .length = 4096}, 0), turns("rope, 16,384", mt::rope{.base = 1e4, .length = 16384}, 1),
        turns("interpolated", mt::interpolated{.base = 1e4, .trained = 4096, .extended = 16384}, 2),
        turns("ntk", mt::ntk{.base = 1e4, .trained = 4096, .extended = 16384}, 3), turns("yarn", mt::yarn{.base = 1e4, .trained = 4096, .extended = 16384}, 4)};
    mt::chart::svg to(width, height + 40, "Turns of each pair over the context");
    plot const     p{60, 34, labels, height + 10, {0, 31, 60, labels}, {0.05, 5000, height + 10, 34, true}};
    draw(to, p, all, "Turns of each rotary pair over the context of 16,384 tokens (trained: 4,096)", mt::chart::plain_label, mt::chart::plain_label);
    return pictures::for_both_pages(to.finish());
}

}  // namespace

namespace pictures {

std::vector<std::pair<std::string, std::string>> overviews() {
    return {{"rates", rates()}, {"mixture", ::mixture()}, {"positions", positions()}};
}

}  // namespace pictures
