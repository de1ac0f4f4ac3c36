#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/train/foreign/lint.hpp>
#include <midtrain/train/foreign/run.hpp>
#include <midtrain/train/written.hpp>
#include <midtrain/train/written_fields.hpp>

namespace midtrain::inline MT_ABI::foreign {

/// The run as a run file of ours, as a tree: the same steps, rates, batch, optimizer, positions and shares. Where models and tokens lie is
/// for its reader to fill in. A template, since nvcc 13 cannot read the names of a row's fields, and need not unless it is asked.
template <class Rate = any_annealing>
io::json as_run_tree(run const& r) {
    check(r.length > 0, [&] { return r.path + ": does not say how long a sequence is, and a run file must; give it with --length"; });
    double total = 0;
    for (auto const& s : r.sources) total += s.weight;
    io::json::array  sources;
    io::json::object share;
    for (std::size_t i = 0; i < std::max<std::size_t>(r.sources.size(), 1); ++i) {
        auto const name = r.sources.empty() ? "data" : plain_source_name(r, i);
        sources.push_back({io::json::object{{"name", {name}}, {"tokens", {name + ".tok"}}}});
        share[name] = {r.sources.empty() || !(total > 0) ? 1.0 : r.sources[i].weight / total};
    }
    auto const       stage = as_stage(r);
    io::json::object one{{"name", {stage.name.text()}}, {"budget", written_fields(stage.budget)},
                         {"rate", written_fields<Rate>(stage.rate)},
                         {"batch", written_fields(stage.batch)}, {"mixture",
                             {io::json::object{{"kind", {std::string("fixed")}}, {"share", {share}}}}}};
    if (r.position) one["position"] = written_fields(*r.position);
    return {io::json::object{{"folder", {std::string("run")}}, {"clip", {r.clip}}, {"z_loss", {r.z_loss}},
                             {"seed", {static_cast<double>(r.seed)}},
                             {"model", {io::json::object{{"from", {std::string("model")}}}}}, {"optimizer", written_fields(r.optimizer)},
                             {"source", {std::move(sources)}}, {"stage", {io::json::array{io::json{std::move(one)}}}}}};
}

namespace detail {

inline void print_rates(run const& r, std::FILE* to) {
    std::fprintf(to, "%12s %12s %12s\n", "step", "tokens", "rate");
    for (std::int64_t k = 0, last = -1; k <= 10; ++k) {
        std::int64_t const step = (r.steps - 1) * k / 10;
        if (step == last) continue;
        last = step;
        auto const seen = r.length > 0 ? written_count(static_cast<double>(r.at(step).seen.count)) : std::string("?");
        std::fprintf(to, "%12lld %12s %12.4e\n", static_cast<long long>(step), seen.c_str(), r.rate_of(step));
    }
}

}  // namespace detail

/// The run as its reader wants it: what it will do, its rate at eleven steps, and what was found, the gravest first.
inline void print(run const& r, std::FILE* to) {
    double highest = 0;
    for (std::int64_t k = 0; k <= 10'000; ++k) highest = std::max(highest, r.rate_of((r.steps - 1) * k / 10'000));
    std::string const of = r.length > 0 ? " x " + std::to_string(r.length) +
        ", " + written_count(static_cast<double>(r.at(r.steps).seen.count)) + " tokens" : " sequences";
    std::fprintf(to, "%s: %lld steps of %lld%s; rate %.2e at first, %.2e at most, %.2e at last\n", r.trainer.c_str(),
                 static_cast<long long>(r.steps),
                 static_cast<long long>(r.sequences), of.c_str(), r.rate_of(0), highest, r.rate_of(r.steps - 1));
    std::fprintf(to, "AdamW beta %g and %g, weight decay %g; clip %g%s\n", r.optimizer.beta1, r.optimizer.beta2, r.optimizer.decay, r.clip,
                 r.z_loss > 0 ? (", z-loss " + detail::written_rate(r.z_loss)).c_str() : "");
    if (r.position) std::fprintf(to, "positions: %s, up to %lld\n", std::string(r.position->kind()).c_str(),
                                 static_cast<long long>(r.position->context()));
    detail::print_rates(r, to);
    for (auto const& s : r.sources) std::fprintf(to, "    %-40s %g\n", s.name.c_str(), s.weight);
    for (auto const how : {severity::refused, severity::warning, severity::note})
        for (auto const& f : r.findings)
            if (f.how == how)
                std::fprintf(to, "%s: %s%s\n", how == severity::refused ? "refused" : how == severity::warning ? "warning" : "note",
                             f.sentence.c_str(),
                             f.field.empty() ? "" : (" (" + f.field + ")").c_str());
}

}  // namespace midtrain::inline MT_ABI::foreign
