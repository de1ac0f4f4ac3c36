#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>
#include <midtrain/concepts/annealing_policy.hpp>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/core/seconds_now.hpp>
#include <midtrain/problem/batch.hpp>
#include <midtrain/train/cost_of_token.hpp>
#include <midtrain/train/stage.hpp>
#include <midtrain/train/written.hpp>

namespace midtrain::inline MT_ABI {

/// What a stage asks of one of its steps.
struct plan_point {
    std::int64_t        tokens = 0;     ///< of the stage, done before the step
    double              rate = 0;
    std::int64_t        sequences = 0;
    std::vector<double> weights{};      ///< by source
};

/// What a stage will do, known before its first step.
struct stage_plan {
    std::string         name;
    std::int64_t        steps = 0, tokens = 0, sequences = 0, length = 0, micro = 0;
    std::int64_t        sequences_last = 0;                               ///< of the last step, where a ramp changes them
    double              rate_first = 0, rate_highest = 0, rate_last = 0;  ///< of the first step, of all, of the last
    std::vector<double> weights_first{}, weights_last{};                    ///< by source
    std::vector<double> source_tokens{};                                  ///< by source, as the weights ask
    double              cost = 0;                                         ///< multiply-adds a token, forward and backward, in all
    std::int64_t        context = 0;                                      ///< tokens that the positions reach
    std::vector<plan_point> curve{};                                      ///< first and last step, and as many between as a chart shows
};

/// What a run will do.
struct run_plan {
    std::vector<std::string> sources;
    std::vector<stage_plan>  stages;
    std::int64_t             parameters = 0;
    /// Bytes by kind.
    std::int64_t             weights = 0, gradients = 0, slots = 0, activations = 0;
    std::int64_t             work = 0;                     ///< of the optimizer, within a step
    std::int64_t             average = 0, saved_copy = 0;  ///< a running average; the copy that is written while the run goes on
    std::string              attention{};           ///< how the device does it, where it has more than one way
    std::int64_t             attention_work = 0;    ///< the workspace for that, in bytes
    std::string              eight_bits{};          ///< how it multiplies in them, where the precision does
    double                   seconds_per_cost = 0;  ///< measured; 0: unknown

    std::int64_t memory() const { return weights + gradients + slots + work + activations + attention_work + average + saved_copy; }
    double seconds(stage_plan const& s) const { return s.cost * static_cast<double>(s.tokens) * seconds_per_cost; }
    double seconds() const {
        double t = 0;
        for (auto const& s : stages) t += seconds(s);
        return t;
    }
};

namespace detail {

template <class Stage>
stage_plan plan_stage(Stage const& s) {
    stage_plan p;
    p.name = s.name;
    p.steps = s.steps(), p.tokens = s.at(0).budget.count;
    p.sequences = s.batch.sequences, p.length = s.batch.length, p.micro = s.batch.micro;
    p.sequences_last = p.length > 0 ? s.at(p.steps - 1).batch.count / p.length : 0;
    p.rate_first = rate_of(s.rate, s.at(0)), p.rate_last = rate_of(s.rate, s.at(p.steps - 1));
    auto const first = weights_of(s.mixture, s.at(0)), last = weights_of(s.mixture, s.at(p.steps));
    p.weights_first.assign(first.begin(), first.end());
    p.weights_last.assign(last.begin(), last.end());
    p.source_tokens.assign(first.size(), 0.0);
    p.context = s.position.context();
    std::int64_t const drawn = std::min<std::int64_t>(p.steps, 600);
    for (std::int64_t k = 0; k < drawn; ++k) {
        auto const at = s.at(drawn > 1 ? (p.steps - 1) * k / (drawn - 1) : 0);
        auto const w  = weights_of(s.mixture, at);
        p.curve.push_back({at.seen.count, rate_of(s.rate, at), p.length > 0 ? at.batch.count / p.length : 0, {w.begin(), w.end()}});
    }
    std::int64_t const points = std::min<std::int64_t>(p.steps, 10'000);
    for (std::int64_t k = 0; k < points; ++k) {
        auto const   at   = s.at(p.steps * k / points);
        double const span = static_cast<double>((s.at(p.steps * (k + 1) / points).seen - at.seen).count);
        p.rate_highest = std::max(p.rate_highest, rate_of(s.rate, at));
        auto const w = weights_of(s.mixture, at);
        for (std::size_t i = 0; i < w.size(); ++i) p.source_tokens[i] += w[i] * span;
    }
    return p;
}

}  // namespace detail

/// The plan of a recipe on a model; the memory of the activations comes from a dry run, not from a formula.
template <class Recipe, class Model>
run_plan make_plan(Recipe const& r, Model const& model, std::vector<std::string> sources) {
    run_plan p;
    p.sources    = std::move(sources);
    p.parameters = model.parameters().count();
    auto const n = static_cast<std::int64_t>(model.parameters().size());
    p.weights    = n * (model.stored_bytes() + static_cast<std::int64_t>(sizeof(typename Model::master_t)));
    p.gradients  = n * static_cast<std::int64_t>(sizeof(typename Model::computed));
    auto const o = model.memory_of(r.optimizer);
    p.slots      = o.slots * static_cast<std::int64_t>(sizeof(typename Model::computed));
    p.work       = o.work;
    p.eight_bits = model.plan_eight_bits();
    for_each_stage(r.stages, [&](auto const& s, int) {
        p.stages.push_back(detail::plan_stage(s));
        auto& last = p.stages.back();
        last.cost  = cost_of_token(model, last.length);
        p.activations = std::max<std::int64_t>(p.activations, model.count_activations(last.micro, last.length, model.training_mode()));
        auto const attention = model.plan_attention(last.micro, last.length, model.training_mode());
        p.attention_work     = std::max<std::int64_t>(p.attention_work, attention.bytes);
        if (!attention.way.empty() && p.attention.find(attention.way) == std::string::npos)
            p.attention += (p.attention.empty() ? "" : "; ") + attention.way;
    });
    return p;
}

/// Seconds that one floating-point operation of training takes here: forward and backward of one short sequence, the better of two.
/// Leaves the gradient zero.
template <class Model>
double measure_seconds_per_cost(Model& model, index_t length) {
    std::vector<std::int32_t>            ids(static_cast<std::size_t>(length)), zero(ids.size(), 0), place(ids.size());
    std::vector<typename Model::computed> loss(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        ids[i]   = static_cast<std::int32_t>(random_stream{1, 2}.bits(i) % static_cast<std::uint64_t>(model.shape().vocab));
        place[i] = static_cast<std::int32_t>(i);
    }
    token_batch const b{{ids.data(), length},       {ids.data(), length}, {place.data(), length}, {zero.data(), length}, 1, length,
                        static_cast<double>(length), 0, 1};
    double            best = 0;
    for (int k = 0; k < 2; ++k) {
        double const start = seconds_now();
        model.accumulate(b, {loss.data(), length});
        double const t = seconds_now() - start;
        best           = k == 0 ? t : std::min(best, t);
    }
    model.zero_gradient();
    return best / (static_cast<double>(length) * cost_of_token(model, length));
}

/// `memory: weights 4.1 MB, gradients 2.0 MB, ...`
inline std::string written_memory(run_plan const& p) {
    auto const bytes = [](std::int64_t n) { return written_bytes(static_cast<double>(n)); };
    auto       s     = "memory: weights " + bytes(p.weights) + ", gradients " + bytes(p.gradients) + ", optimizer " + bytes(p.slots) +
             ", activations " + bytes(p.activations);
    if (p.work > 0) s += ", work of the optimizer " + bytes(p.work);
    if (p.attention_work > 0) s += ", work of attention " + bytes(p.attention_work);
    if (p.average > 0) s += ", average " + bytes(p.average);
    if (p.saved_copy > 0) s += ", copy for saving " + bytes(p.saved_copy);
    return s;
}

/// The plan as a reader wants it before the first step.
inline void print(run_plan const& p, std::FILE* to) {
    std::fprintf(to, "%s parameters; %s\n", written_count(static_cast<double>(p.parameters)).c_str(), written_memory(p).c_str());
    if (!p.attention.empty()) std::fprintf(to, "attention: %s\n", p.attention.c_str());
    if (!p.eight_bits.empty()) std::fprintf(to, "products in eight bits: %s\n", p.eight_bits.c_str());
    for (auto const& s : p.stages) {
        auto const sizes = std::to_string(s.sequences) + (s.sequences_last != s.sequences ? " .. " + std::to_string(s.sequences_last) : "");
        std::fprintf(to, "stage %-8s %s tokens in %lld steps of %s x %lld; rate %.2e at first, %.2e at most, %.2e at last%s%s\n",
                     s.name.c_str(), written_count(static_cast<double>(s.tokens)).c_str(), static_cast<long long>(s.steps), sizes.c_str(),
                     static_cast<long long>(s.length), s.rate_first, s.rate_highest, s.rate_last,
                     p.seconds_per_cost > 0 ? "; about " : "", p.seconds_per_cost > 0 ? written_duration(p.seconds(s)).c_str() : "");
        for (std::size_t i = 0; i < p.sources.size(); ++i)
            if (s.source_tokens[i] > 0)
                std::fprintf(to, "    %-12s %5.1f %% -> %5.1f %%  %8s tokens\n", p.sources[i].c_str(), 100 * s.weights_first[i],
                             100 * s.weights_last[i], written_count(s.source_tokens[i]).c_str());
    }
    if (p.seconds_per_cost > 0) std::fprintf(to, "training takes about %s\n", written_duration(p.seconds()).c_str());
}

}  // namespace midtrain::inline MT_ABI
