#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/annealing/decay.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/mixture/bounded.hpp>
#include <midtrain/mixture/by_size.hpp>
#include <midtrain/mixture/doremi.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/mixture/odm.hpp>
#include <midtrain/mixture/path.hpp>
#include <midtrain/mixture/replay.hpp>
#include <midtrain/mixture/staged.hpp>
#include "picture.hpp"

namespace pictures {
namespace {

using namespace mt::literals;

template <class T>
struct sources {
    T web, code, maths;
};
std::vector<std::string> const    names{"web", "code", "maths"};
constexpr sources<mt::weight> usual{.web = .80, .code = .15, .maths = .05}, later{.web = .30, .code = .30, .maths = .40};
scale const                       tokens_scale{"tokens", 0, stage_tokens, mt::chart::tokens_label}, share_scale{"share", 0, 1, share_label};

template <class Policy>
stack shares(Policy const& policy) {
    return stacked(names, 0, stage_tokens, [&](double x) { return policy.weights(stage_at(x)); });
}
picture areas(std::string name, std::string title, std::string heading, stack all) {
    return {.name = std::move(name), .title = std::move(title), .heading = std::move(heading), .x = tokens_scale, .y = share_scale,
            .shares = std::move(all)};
}

picture transitions() {
    auto const of = [](std::string name, std::size_t n, mt::transition shape) {
        mt::annealed_mixture<sources> const policy{.from = usual, .to = later, .shape = shape};
        return line(std::move(name), look_of(n), 0, stage_tokens, [&](double x) { return policy.weights(stage_at(x))[2]; });
    };
    return {.name = "transitions", .title = "Four shapes of a transition", .heading = "transitions", .x = tokens_scale,
            .y = {"share of maths", 0, 0.45, share_label},
            .lines = {of("linear", 0, mt::transition::linear), of("cosine", 1, mt::transition::cosine), of("exponential", 2, mt::transition::exponential),
                      of("step", 3, mt::transition::step)}};
}

picture path() {
    mt::path_mixture<sources> const policy{.points = {{.at = 20_Gtok, .share = usual, .shape = mt::transition::cosine},
                                                      {.at = 55_Gtok, .share = later, .shape = mt::transition::step},
                                                      {.at = 85_Gtok, .share = {.web = .45, .code = .1, .maths = .45}}}};
    return areas("path", "A mixture through points", "path", shares(policy));
}

/// The switch stands where a cosine has fallen to a fifth.
picture staged() {
    mt::cosine const            rate{.from = 1, .to = 0};
    mt::staged_by_rate<sources> policy{.first = usual, .fallen_to = 0.2, .then = later};
    policy.follow(rate, 1000, [](std::int64_t step) { return stage_at(static_cast<double>(step) * 100e6); });
    auto p  = areas("staged", "A mixture that follows the rate", "staged_by_rate", shares(policy));
    p.lines = {line("rate / peak", mt::chart::black, 0, stage_tokens, [&](double x) { return rate.rate(stage_at(x)); })};
    return p;
}

constexpr sources<mt::each<mt::tokens>> sizes{.web{900_Gtok}, .code{90_Gtok}, .maths{10_Gtok}};

picture tempered() {
    return {.name = "tempered", .title = "Shares from sizes of 900, 90 and 10 by temperature", .heading = "tempered", .x = {"temperature", 1, 10},
            .y = share_scale, .shares = stacked(names, 1, 10, [](double t) {
                return mt::tempered_mixture<sources>{.sizes = sizes, .temperature = t}.weights({});
            })};
}
picture unimax() {
    return {.name = "unimax", .title = "Shares from sizes of 900, 90 and 10 by passes, for a budget of 300", .heading = "unimax", .x = {"epochs", 1, 12},
            .y = share_scale, .shares = stacked(names, 1, 12, [](double e) {
                return mt::unimax_mixture<sources>{.sizes = sizes, .epochs = e}.weights(stage_at(0, 300e9));
            })};
}

picture capped() {
    mt::annealed_mixture<sources> const moving{.from = usual, .to = later};
    mt::capped_mixture<sources, mt::annealed_mixture<sources>> const policy{
        .of = moving, .sizes = {.web{900_Gtok}, .code{90_Gtok}, .maths{5_Gtok}}, .epochs = {.web{1}, .code{1}, .maths{4}}};
    auto p  = areas("capped", "A cap of 4 passes over 5 Gtok of maths", "capped", shares(policy));
    p.lines = {line("without a cap", mt::chart::black, 0, stage_tokens, [&](double x) { return 1 - moving.weights(stage_at(x))[2]; })};
    return p;
}

picture floored() {
    mt::annealed_mixture<sources> const moving{.from = usual, .to = later};
    mt::floored_mixture<sources, mt::annealed_mixture<sources>> const policy{.of = moving, .floor = {.web = .5, .code = .1, .maths = 0}};
    auto p  = areas("floored", "Half of web text at the least", "floored", shares(policy));
    p.lines = {line("without a floor", mt::chart::black, 0, stage_tokens, [&](double x) { return moving.weights(stage_at(x))[0]; })};
    return p;
}

/// Mixtures made of others, side by side.
picture blends() {
    std::vector<double> all[4];
    auto const          put = [&](int n, auto const& policy) {
        for (double w : policy.weights(mt::progress{})) all[n].push_back(w);
    };
    put(0, mt::fixed_mixture<sources>{.share = later});
    put(1, mt::replay_mixture<sources>{.fresh = {.share = later}, .old = {.web = 1, .code = 0, .maths = 0}, .share = 0.3});
    put(2, mt::micro_anneal<sources>{.candidate = {.web = 0, .code = 0, .maths = 1}, .usual = later});
    put(3, mt::upsampled_mixture<sources>{.of = {.share = later}, .factor = {.web{1}, .code{3}, .maths{1}}});
    picture p{.name = "blends", .title = "Mixtures made of others", .heading = "replay, micro_anneal, ..", .x = {"", 0, 4}, .y = share_scale};
    p.x_names = {{0.5, "fixed"}, {1.5, "replay"}, {2.5, "micro"}, {3.5, "upsampled"}};
    for (int n = 0; n < 4; ++n) {
        double sum = 0;
        for (int k = 0; k < 3; ++k) {
            double const w = all[n][static_cast<std::size_t>(k)];
            p.boxes.push_back({n + 0.1, n + 0.9, sum, sum + w, k});
            sum += w;
        }
    }
    for (int k = 3; k-- > 0;) p.box_names.push_back({k, names[static_cast<std::size_t>(k)]});
    return p;
}

constexpr int steps = 1000, hold = 20;

/// A run that is made up: the loss of a source falls from `above` its floor by the tokens that were drawn of it, and the policy is asked
/// at each window, as a trainer would.
template <class Policy>
stack learning(Policy const& policy) {
    constexpr std::array<double, 3> floor{2.4, 1.0, 1.2}, above{0.5, 0.9, 1.6}, pace{700, 250, 220};
    std::array<double, 3>           drawn{};
    std::vector<double>             record, weights;
    for (int s = 0; s < steps; ++s) {
        mt::loss_record const rows{.values = record, .sources = 3, .stage_begin = 0, .held_out = {}, .noise = {}};
        auto const            w = policy.weights({s, {s}, {steps}, {1}}, rows.before(s / hold * hold));
        weights.insert(weights.end(), w.begin(), w.end());
        record.push_back(0);
        for (std::size_t k = 0; k < 3; ++k) {
            record.push_back(floor[k] + above[k] * mt::math::exp(-drawn[k] / pace[k]));
            drawn[k] += w[k];
        }
    }
    return stacked(names, 0, steps, [&](double x) {
        auto const s = static_cast<std::size_t>(x < steps ? x : steps - 1.0);
        return std::array<double, 3>{weights[3 * s], weights[3 * s + 1], weights[3 * s + 2]};
    });
}
picture by_losses(std::string name, std::string title, std::string heading, stack all) {
    return {.name = std::move(name), .title = std::move(title), .heading = std::move(heading), .x = {"step", 0, steps}, .y = share_scale, .shares = std::move(all)};
}

/// The same shares as lines, over a part of the scale.
picture lines_of(picture p, double low, double high) {
    stack const all = std::exchange(p.shares, {});
    p.y.low = low, p.y.high = high;
    for (std::size_t k = all.names.size(); k-- > 0;) {
        series s{.name = all.names[k], .style = look_of(k), .pieces = {{}}};
        for (std::size_t i = 0; i < all.x.size(); ++i) s.pieces[0].push_back({all.x[i], all.tops[k + 1][i] - all.tops[k][i]});
        p.lines.push_back(std::move(s));
    }
    return p;
}

}  // namespace

std::vector<picture> of_mixture() {
    constexpr sources<mt::weight> even{.web = 1. / 3, .code = 1. / 3, .maths = 1. / 3};
    return {areas("annealed", "A mixture that moves over its stage", "annealed", shares(mt::annealed_mixture<sources>{.from = usual, .to = later})),
            transitions(), path(), staged(), tempered(), unimax(), capped(), floored(), blends(),
            by_losses("doremi", "DoReMi on losses that are made up", "doremi",
                      learning(mt::doremi_mixture<sources>{.prior = even, .reference = {.web{2.6}, .code{1.2}, .maths{1.6}}, .hold = hold, .step_size = 0.3})),
            lines_of(by_losses("odm", "Online data mixing on losses that are made up", "odm", learning(mt::odm_mixture<sources>{.prior = even, .hold = hold})),
                     0.28, 0.42)};
}

}  // namespace pictures
