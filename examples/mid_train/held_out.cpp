#include "held_out.hpp"
#include <cstdio>
#include <filesystem>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/run_chart.hpp>

namespace quick_start {

std::vector<std::string> const& prompts() {
    static std::vector<std::string> const all{"Theorem. The sum of two even numbers is even.\nProof:", "The most important thing to know about a compiler is"};
    return all;
}

mt::io::json to_json(held_out_result const& r) {
    using json = mt::io::json;
    json::array texts;
    for (auto const& t : r.continuations) texts.push_back({t});
    return {json::object{{"held_out", mt::to_json(r.losses)}, {"continuations", {std::move(texts)}}}};
}

/// What a file of an earlier try holds, or nothing.
std::optional<held_out_result> read_held_out(std::string const& path) {
    using json = mt::io::json;
    if (!std::filesystem::exists(path)) return std::nullopt;
    mt::io::mapped_file const file(path);
    auto const                all    = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
    auto const                losses = all.find("held_out"), texts = all.find("continuations");
    mt::check(losses && texts && texts->as<json::array>(), [&] { return path + ": is not what this program writes; remove it"; });
    held_out_result r{mt::held_out_result_from(*losses, path), {}};
    for (auto const& name : mt::source_names<sources>()) r.losses.at(std::string(name));
    for (auto const& t : *texts->as<json::array>()) r.continuations.push_back(*t.as<std::string>());
    return r;
}

namespace {

/// Changes against the model that all begin from.
std::vector<mt::held_out_loss> chart_points(comparison const& c) {
    std::vector<mt::held_out_loss> all;
    for (auto const& [name, r] : {std::pair{"control", &c.control}, {"after anneal", &c.anneal}, {"after long", &c.long_context}})
        for (auto const& [source, change] : mt::held_out_changes(c.before.losses, r->losses)) all.push_back({source, name, change});
    return all;
}

/// Differences of mean loss, with paired 95 % intervals by document.
void print_comparison(comparison const& c, std::FILE* to) {
    std::fprintf(to, "\nHeld-out loss in nats a token, and its change with 95 %% intervals (bootstrap over the same documents; * where 0 lies outside)\n\n");
    std::fprintf(to, "%-11s %7s %26s %26s %26s %26s\n", "source", "before", "control - before", "anneal - before", "anneal - control", "long - before");
    for (auto const& before : c.before.losses.sources) {
        std::fprintf(to, "%-11s %7.3f", before.name.c_str(), mt::mean_loss(before.documents));
        for (auto const& [from, with] : {std::pair{&c.before, &c.control}, {&c.before, &c.anneal}, {&c.control, &c.anneal}, {&c.before, &c.long_context}}) {
            auto const d = mt::bootstrap_difference(from->losses.at(before.name).documents, with->losses.at(before.name).documents);
            std::fprintf(to, "  %+.3f [%+.3f, %+.3f]%c", d.value, d.low, d.high, d.low > 0 || d.high < 0 ? '*' : ' ');
        }
        std::fprintf(to, "\n");
    }
    for (std::size_t k = 0; k < prompts().size(); ++k)
        std::fprintf(to, "\n%s\n  before: %s\n  after:  %s\n", prompts()[k].c_str(), mt::io::quoted(c.before.continuations[k]).c_str(),
                     mt::io::quoted(c.long_context.continuations[k]).c_str());
}

mt::io::json comparison_json(comparison const& c) {
    using json = mt::io::json;
    json::object all;
    auto const   bounds = [](mt::interval const& i) { return json{json::array{{i.value}, {i.low}, {i.high}}}; };
    for (auto const& before : c.before.losses.sources) {
        json::object o;
        auto const   of = [&](held_out_result const& r) -> auto const& { return r.losses.at(before.name).documents; };
        for (auto const& [name, r] : {std::pair{"before", &c.before}, {"control", &c.control}, {"anneal", &c.anneal}, {"long", &c.long_context}}) {
            o.emplace(name, bounds(mt::bootstrap_mean(of(*r))));
            if (r != &c.before) o.emplace(std::string(name) + " - before", bounds(mt::bootstrap_difference(before.documents, of(*r))));
        }
        o.emplace("anneal - control", bounds(mt::bootstrap_difference(of(c.control), of(c.anneal))));
        o.emplace("documents", json{static_cast<double>(before.documents.size())});
        all.emplace(before.name, json{std::move(o)});
    }
    return {std::move(all)};
}

}  // namespace

void report_comparison(run_facts const& facts, comparison const& all) {
    using json = mt::io::json;
    print_comparison(all, stdout);
    auto const metrics = mt::read_metrics(facts.work + "/metrics.jsonl");
    mt::io::write_whole(facts.work + "/run.svg", mt::draw_run_chart(metrics, {.title       = "Mid-training: the mixture shifts, the rate anneals, the context grows",
                                                                              .held_out    = chart_points(all),
                                                                              .held_out_is = mt::held_out_kind::change}));
    json::object settings;
    for (auto const& [key, value] : facts.settings) settings.emplace(key, json{value});
    json::array texts;
    for (std::size_t k = 0; k < prompts().size(); ++k)
        texts.push_back({json::object{{"prompt", {prompts()[k]}}, {"before", {all.before.continuations[k]}}, {"after", {all.long_context.continuations[k]}}}});
    json const report{json::object{{"settings", {std::move(settings)}}, {"precision", {facts.precision}}, {"held_out", comparison_json(all)},
                                   {"continuations", {std::move(texts)}}, {"steps", {static_cast<double>(metrics.rows.size())}},
                                   {"tokens", {static_cast<double>(metrics.rows.back().tokens)}}, {"seconds", {facts.seconds}}}};
    mt::io::write_whole(facts.work + "/report.json", mt::io::written(report, 2) + "\n");
    std::printf("\nin %s: model/ (Hugging Face form), run.svg, report.json, metrics.jsonl\n", facts.work.c_str());
}

}  // namespace quick_start
