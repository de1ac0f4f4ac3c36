// What goes with the rate: batches that grow, multiples by role, and what looks back at the run.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/annealing/batch_ramp.hpp>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/annealing/reduce_on_plateau.hpp>
#include <midtrain/annealing/scaled_by_batch.hpp>
#include <midtrain/annealing/wsd.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/optim/by_role.hpp>
#include <midtrain/train/batch_calendar.hpp>
#include "picture.hpp"

namespace pictures {
namespace {

using namespace mt::literals;

constexpr mt::index_t first = 64, length = 4096;
scale const           tokens_scale{"tokens", 0, stage_tokens, mt::chart::tokens_label};

/// The step that the run is in after so many tokens: its sequences, and its progress.
std::pair<mt::index_t, mt::progress> step_after(mt::annealing::batch_ramp const& ramp, double seen) {
    mt::batch_calendar const calendar(first, length, ramp, 100_Gtok);
    auto const               end = calendar.end();
    auto const at = calendar.at_sequence(static_cast<std::int64_t>(seen / stage_tokens * (static_cast<double>(end.seen / length) - 1)));
    return {at.sequences, {at.step, {at.seen}, {end.seen}, {at.sequences * length}}};
}
series batch(std::string name, std::size_t n, mt::annealing::batch_ramp const& ramp) {
    return line(std::move(name), look_of(n), 0, stage_tokens, [&](double x) { return static_cast<double>(step_after(ramp, x).first); });
}

mt::doubling_ramp const doubling{.to = 512, .every = 20_Gtok};

picture batch_ramps() {
    return {.name = "batch_ramps", .title = "Batches that grow", .heading = "batch ramps", .x = tokens_scale, .y = {"sequences a step", 0, 600},
            .lines = {batch("linear", 0, mt::linear_ramp{.to = 512, .over = 60_Gtok, .by = 64}), batch("doubling", 1, doubling),
                      batch("table", 2, mt::batch_table{.points = {{30_Gtok, 256}, {70_Gtok, 384}}})}};
}

picture scaled() {
    mt::wsd const                       plain{.peak = 1, .decay = 20_Gtok, .warmup = 5_Gtok};
    mt::scaled_by_batch<mt::wsd> const  grows{.of = {first * length}, .policy = plain};
    auto const over = [&](std::string name, std::size_t n, auto const& policy) {
        return line(std::move(name), look_of(n), 0, stage_tokens, [&](double x) { return policy.rate(step_after(doubling, x).second); });
    };
    return {.name = "scaled_by_batch", .title = "A rate that grows with the batch", .heading = "scaled_by_batch", .x = tokens_scale, .y = {"rate / peak", 0, 3.1},
            .lines = {over("wsd", 0, plain), over("scaled_by_batch", 1, grows)}};
}

picture roles() {
    mt::by_role const rates{.embedding = 0.5, .expert = 0.31, .base_width = 256};
    auto const        of = [&](std::string name, std::size_t n, mt::role r) {
        return line(std::move(name), look_of(n), 128, 8192, [&](double w) { return rates.at_width(static_cast<mt::index_t>(w)).factor(r, 1, 1); }, true);
    };
    return {.name = "rates_by_role", .title = "Multiples of the rate by role and width", .heading = "rates by role, muP",
            .x = {"width of the model", 128, 8192, mt::chart::plain_label, true}, .y = {"multiple", 0.008, 2.2, mt::chart::plain_label, true},
            .lines = {of("norm", 0, mt::role::norm), of("embedding", 1, mt::role::embedding), of("matrix", 2, mt::role::matrix),
                      of("expert", 3, mt::role::expert)}};
}

/// A held-out loss that stands still twice, an evaluation each 10 steps, and what the rate makes of it.
picture plateau() {
    constexpr int       evaluations = 60;
    std::vector<double> held_out;
    auto const          loss = [](int e) {
        double const part = e < 25 ? e : e < 40 ? 25 + 0.6 * (e - 25) : 34 + 0.3 * (e - 40);
        return 0.35 + 0.6 * mt::math::exp(-(part > 30 ? 30 : part < 12 ? part : part < 24 ? 12 : part - 12) / 8);
    };
    for (int e = 0; e < evaluations; ++e) held_out.insert(held_out.end(), {10.0 * (e + 1), loss(e)});
    mt::annealing::reduce_on_plateau<mt::constant> const policy{.policy = {.peak = 1}, .factor = 0.5, .patience = 4, .threshold = 1e-3};
    mt::loss_record const all{.values = {}, .sources = 1, .stage_begin = 0, .held_out = held_out, .noise = {}};
    auto const rate_at = [&](double step) { return policy.rate({static_cast<std::int64_t>(step), {}, {}, {}}, all.before(static_cast<std::int64_t>(step))); };
    return {.name = "plateau", .title = "A rate that follows the held-out loss", .heading = "reduce_on_plateau", .x = {"step", 0, 600},
            .y = {"rate, loss", 0, 1.05},
            .lines = {line("rate / peak", look_of(0), 0, 600, rate_at),
                      line("loss, made up", dashes(5), 10, 600, [&](double s) { return loss(static_cast<int>(s / 10) - 1); })}};
}

/// A noise scale that rises, measured each 5 steps, and the batch that follows it.
picture noise() {
    constexpr int        steps = 1000;
    mt::noise_ramp const policy{.to = 512, .every = 50};
    auto const           scale_at = [](double step) { return 60 * mt::math::exp(step / 320); };  // in sequences
    std::vector<double>  losses(2 * steps, 1.0), rows;
    for (int s = 5; s <= steps; s += 5) {
        // |g|^2 of a part and of the batch, where |G|^2 = 1: 1 + B / its tokens.
        double const b = scale_at(s) * length, targets = 64.0 * length, parts = 8;
        rows.insert(rows.end(), {static_cast<double>(s), 1 + b / (targets / parts), 1 + b / targets, parts, targets, 1 + b / (targets / parts)});
    }
    mt::loss_record const all{.values = losses, .sources = 1, .stage_begin = 0, .held_out = {}, .noise = rows};
    auto const            sequences_at = [&](double step) {
        mt::index_t size = first;
        policy.each_doubling(first, length, all, [&](std::int64_t from, mt::index_t n) { size = static_cast<double>(from) <= step ? n : size; });
        return static_cast<double>(size);
    };
    return {.name = "noise_ramp", .title = "A batch that follows the gradient noise scale", .heading = "ramp.noise", .x = {"step", 0, steps},
            .y = {"sequences", 32, 2048, mt::chart::plain_label, true},
            .lines = {line("batch", look_of(0), 0, steps, sequences_at), line("scale, made up", dashes(5), 0, steps, scale_at)}};
}

}  // namespace

std::vector<picture> of_companions() { return {batch_ramps(), scaled(), roles(), plateau(), noise()}; }

}  // namespace pictures
