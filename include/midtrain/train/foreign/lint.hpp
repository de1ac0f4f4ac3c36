#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/core/literal.hpp>
#include <midtrain/core/short_name.hpp>
#include <midtrain/mixture/any_mixture.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/mixture/named_sources.hpp>
#include <midtrain/position/any_position.hpp>
#include <midtrain/train/foreign/run.hpp>
#include <midtrain/train/rules.hpp>
#include <midtrain/train/stage.hpp>

namespace midtrain::inline MT_ABI::foreign {

/// A foreign run as the stage that it would be here.
using stage_form = midtrain::stage<any_mixture, any_annealing, any_position>;

namespace detail {

/// Writes down what a rule refuses, instead of ending there.
struct noting_judge {
    run* to;

    template <literal Why>
    void refuse_if(bool broken, std::string_view) const {
        if (broken) to->find(severity::refused, Why.text, "");
    }
};

inline std::string written_rate(double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", x);
    return text;
}
inline std::string written_steps(run const& r, tokens t) { return std::to_string(t.count / r.batch().count); }

inline void lint_schedule(run& r) {
    auto const   budget = r.at(r.steps).seen;
    double const last = r.rate_of(r.steps - 1), first = r.rate_of(0);
    if (budget < r.warmup)
        r.find(severity::refused, "the warm-up takes " + written_steps(r, r.warmup) +
               " steps where the run has " + std::to_string(r.steps), "warm-up");
    if (budget < r.horizon)
        r.find(severity::warning, "the schedule is made for " + written_steps(r, r.horizon) +
               " steps and the run ends after " + std::to_string(r.steps) + ": its last rate is " + written_rate(last) +
                   ", " + written_rate(100 * last / r.peak) + " % of the peak", "horizon");
    else if (r.horizon > tokens{} && r.horizon + r.batch() < budget)
        r.find(severity::warning, "the schedule ends after " + written_steps(r, r.horizon) + " of " + std::to_string(r.steps) +
               " steps; the rest runs at " + written_rate(last), "horizon");
    if (r.warmup > tokens{} && first == 0)
        r.find(severity::note, "the first step has a rate of zero and changes nothing: step s of W has s / W of the peak", "warm-up");
    if (r.warmup > tokens{} && r.first_step == annealing::warmup_from::one_batch)
        r.find(severity::note, "step s of W, from zero, has (s + 1) / W of the peak: one step ahead of trainers that begin at zero",
               "warm-up");
    if (last == 0) r.find(severity::note, "the last step has a rate of zero and changes nothing", "schedule");
    if (r.goes_on && r.warmup > tokens{} && first < 0.1 * r.peak)
        r.find(severity::warning, "a model that is trained already is warmed up from " + written_rate(first) +
               " again: a cooldown begins at the rate where its run stood", "warm-up");
}

inline void lint_optimizer(run& r) {
    if (!(r.clip > 0)) r.find(severity::warning, "gradients are not clipped", "clip");
    if (r.optimizer.decay > 0 && r.decays_norms)
        r.find(severity::warning, "weight decay pulls at norms and biases, too; midtrain's does not", "weight decay");
    if (r.optimizer.decay > 0 && !r.decays_embeddings)
        r.find(severity::note, "embeddings do not decay there; midtrain's do", "weight decay");
    if (r.optimizer.beta2 >= 0.999)
        r.find(severity::note, "beta2 is " + written_rate(r.optimizer.beta2) +
               "; published mid-training runs have 0.95, which forgets a change of data 50 times sooner", "beta2");
}

inline void lint_sources(run& r) {
    double total = 0;
    for (auto const& s : r.sources) {
        total += s.weight;
        if (s.epochs > 4)
            r.find(severity::warning, "'" + s.name + "' may be repeated " + written_rate(s.epochs) +
                   " times; beyond four epochs little is gained", "sources");
    }
    if (!r.sources.empty() && std::abs(total - 1) > 1e-9)
        r.find(severity::warning, "the weights of the sources sum to " + written_rate(total) +
               "; the trainer divides by that without a word, and midtrain refuses it", "sources");
}

/// The positions of the run beside those of the model that it starts from.
inline void lint_positions(run& r, any_position const& trained) {
    double const base = trained.inverse_frequency(1, 128, trained.context());
    bool const   longer = r.length > trained.context();
    if (!r.position) {
        if (longer)
            r.find(severity::warning, "sequences of " + std::to_string(r.length) +
                   " tokens for a model that knows " + std::to_string(trained.context()) +
                       " positions, and nothing is said of how they are stretched", "positions");
        return;
    }
    bool const same = std::abs(r.position->inverse_frequency(1, 128, r.length) - base) <= 1e-12 && r.position->kind() == trained.kind();
    if (longer && same)
        r.find(severity::warning, "sequences of " + std::to_string(r.length) +
               " tokens for a model that knows " + std::to_string(trained.context()) +
                   " positions, with neither a larger base nor a scaling", "positions");
    if (!longer && !same && r.position->kind() == "rope")
        r.find(severity::warning, "the rotary base is not the one that the model was trained with, though its positions reach",
               "positions");
    if (longer && !same && r.position->kind() == "rope")
        r.find(severity::note, "the rotary base is another one than the model's, without scaling: adjusted base frequency, if that is meant",
               "positions");
}

}  // namespace detail

/// Letters, digits and underscores of a source's last name, so that a run file can bear it; unique among those before it.
inline std::string plain_source_name(run const& r, std::size_t n) {
    auto const plain = [&](std::size_t i) {
        auto        name = r.sources[i].name.substr(r.sources[i].name.find_last_of('/') + 1);
        std::string s;
        for (char c : name) s += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : c >= 'A' && c <= 'Z'
            ? static_cast<char>(c - 'A' + 'a') : '_';
        return s.substr(0, 40);
    };
    auto name = plain(n);
    for (std::size_t i = 0; i < n; ++i)
        if (plain(i) == name) return name + "_" + std::to_string(n);
    return name.empty() ? "source_" + std::to_string(n) : name;
}

/// The run as one of our stages, weights as they are given.
inline stage_form as_stage(run const& r) {
    named_sources<weight> share;
    for (std::size_t i = 0; i < r.sources.size(); ++i) share.add(plain_source_name(r, i), r.sources[i].weight);
    if (r.sources.empty()) share.add("data", 1.0);
    auto const length = r.length > 0 ? r.length : 2;
    return {.name = "foreign", .budget = r.at(r.steps).seen, .mixture = fixed_mixture<named_sources>{share}, .rate = r.rate,
            .batch = {.sequences = r.sequences, .length = length},
            .position = r.position ? *r.position : any_position(rope{.base = 10'000, .length = length})};
}

/// Judges a run by our rules, as far as its numbers are known, and adds what is known to go wrong with such runs.
inline void lint(run& r, options const& o = {}) {
    detail::noting_judge const judge{&r};
    auto                       stage = as_stage(r);
    midtrain::detail::judge_mixture(stage, judge);
    if (r.length > 0) midtrain::detail::judge_rate(stage, judge), midtrain::detail::judge_batch(stage, judge);
    else r.find(severity::note, "the length of a sequence is not said; give it with --length", "length");
    detail::lint_schedule(r);
    detail::lint_optimizer(r);
    detail::lint_sources(r);
    if (o.trained && r.length > 0) detail::lint_positions(r, *o.trained);
}

}  // namespace midtrain::inline MT_ABI::foreign
