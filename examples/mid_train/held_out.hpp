#pragma once
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>
#include "corpus.hpp"

// Held-out loss by source: measured once, kept in a file, compared with intervals.
namespace quick_start {

/// What one model loses on each document of each source, and two continuations by it.
struct held_out_result {
    std::vector<std::vector<mt::document_loss>> by_source;
    std::vector<std::string>                    continuations;
};

inline std::vector<std::string> const& source_names() {
    static std::vector<std::string> const names = [] {
        auto const n = mt::source_names<sources>();
        return std::vector<std::string>(n.begin(), n.end());
    }();
    return names;
}

inline std::vector<std::string> const& prompts() {
    static std::vector<std::string> const all{"Theorem. The sum of two even numbers is even.\nProof:", "The most important thing to know about a compiler is"};
    return all;
}

/// The first `documents` of each source, at most 128 targets of each; rotary tables are those of the model's last stage.
template <class Model>
held_out_result measure_held_out(Model& model, corpus const& held_out, mt::data::byte_level_bpe const& tokenizer, std::int64_t documents) {
    held_out_result out;
    int const       end = model.shape().end_token;
    mt::for_each_field(held_out, [&](std::string_view, mt::data::token_file const& file) {
        out.by_source.push_back(mt::evaluate_documents(model, file, end, {.documents = documents, .max_tokens = 129, .sequences = 1, .length = 512},
                                                       [&](std::span<std::int32_t const> t) { return static_cast<std::int64_t>(tokenizer.decode(t).size()); }));
    });
    for (auto const& prompt : prompts()) {
        auto const ids = tokenizer.encode(prompt);
        out.continuations.push_back(tokenizer.decode(mt::generate(model, ids, {.max_tokens = 24, .end_token = end})));
    }
    return out;
}

inline mt::io::json to_json(held_out_result const& r) {
    using json = mt::io::json;
    json::object losses;
    for (std::size_t s = 0; s < r.by_source.size(); ++s) {
        json::array documents;
        for (auto const& d : r.by_source[s])
            documents.push_back({json::array{{d.loss}, {static_cast<double>(d.targets)}, {static_cast<double>(d.bytes)}}});
        losses.emplace(source_names()[s], json{std::move(documents)});
    }
    json::array texts;
    for (auto const& t : r.continuations) texts.push_back({t});
    return {json::object{{"documents", {std::move(losses)}}, {"continuations", {std::move(texts)}}}};
}

/// What a file of an earlier try holds, or nothing.
inline std::optional<held_out_result> read_held_out(std::string const& path) {
    using json = mt::io::json;
    if (!std::filesystem::exists(path)) return std::nullopt;
    mt::io::mapped_file const file(path);
    auto const                all    = mt::io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
    auto const                losses = all.find("documents"), texts = all.find("continuations");
    mt::check(losses && texts && texts->as<json::array>(), [&] { return path + ": is not what this program writes; remove it"; });
    held_out_result r;
    for (auto const& name : source_names()) {
        auto const source = losses->find(name);
        mt::check(source && source->as<json::array>(), [&] { return path + ": lacks the source '" + name + "'; remove it"; });
        r.by_source.emplace_back();
        for (auto const& d : *source->as<json::array>()) {
            auto const& v = *d.as<json::array>();
            r.by_source.back().push_back({*v.at(0).as<double>(), static_cast<std::int64_t>(*v.at(1).as<double>()), static_cast<std::int64_t>(*v.at(2).as<double>())});
        }
    }
    for (auto const& t : *texts->as<json::array>()) r.continuations.push_back(*t.as<std::string>());
    return r;
}

/// The four models that are compared.
struct comparison {
    held_out_result before, control, anneal, long_context;
};

/// Changes against the model that all begin from.
inline std::vector<mt::held_out_loss> chart_points(comparison const& c) {
    std::vector<mt::held_out_loss> all;
    for (std::size_t s = 0; s < source_names().size(); ++s)
        for (auto const& [name, r] : {std::pair{"control", &c.control}, {"after anneal", &c.anneal}, {"after long", &c.long_context}})
            all.push_back({source_names()[s], name, mt::bootstrap_difference(c.before.by_source[s], r->by_source[s])});
    return all;
}

/// Differences of mean loss, with paired 95 % intervals by document.
inline void print_comparison(comparison const& c, std::FILE* to) {
    std::fprintf(to, "\nHeld-out loss in nats a token, and its change with 95 %% intervals (bootstrap over the same documents; * where 0 lies outside)\n\n");
    std::fprintf(to, "%-11s %7s %26s %26s %26s %26s\n", "source", "before", "control - before", "anneal - before", "anneal - control", "long - before");
    for (std::size_t s = 0; s < source_names().size(); ++s) {
        std::fprintf(to, "%-11s %7.3f", source_names()[s].c_str(), mt::mean_loss(c.before.by_source[s]));
        for (auto const& [from, with] : {std::pair{&c.before, &c.control}, {&c.before, &c.anneal}, {&c.control, &c.anneal}, {&c.before, &c.long_context}}) {
            auto const d = mt::bootstrap_difference(from->by_source[s], with->by_source[s]);
            std::fprintf(to, "  %+.3f [%+.3f, %+.3f]%c", d.value, d.low, d.high, d.low > 0 || d.high < 0 ? '*' : ' ');
        }
        std::fprintf(to, "\n");
    }
    for (std::size_t k = 0; k < prompts().size(); ++k)
        std::fprintf(to, "\n%s\n  before: %s\n  after:  %s\n", prompts()[k].c_str(), mt::io::quoted(c.before.continuations[k]).c_str(),
                     mt::io::quoted(c.long_context.continuations[k]).c_str());
}

inline mt::io::json comparison_json(comparison const& c) {
    using json = mt::io::json;
    json::object all;
    auto const   bounds = [](mt::interval const& i) { return json{json::array{{i.value}, {i.low}, {i.high}}}; };
    for (std::size_t s = 0; s < source_names().size(); ++s) {
        json::object o;
        for (auto const& [name, r] : {std::pair{"before", &c.before}, {"control", &c.control}, {"anneal", &c.anneal}, {"long", &c.long_context}}) {
            o.emplace(name, bounds(mt::bootstrap_mean(r->by_source[s])));
            if (r != &c.before) o.emplace(std::string(name) + " - before", bounds(mt::bootstrap_difference(c.before.by_source[s], r->by_source[s])));
        }
        o.emplace("anneal - control", bounds(mt::bootstrap_difference(c.control.by_source[s], c.anneal.by_source[s])));
        o.emplace("documents", json{static_cast<double>(c.before.by_source[s].size())});
        all.emplace(source_names()[s], json{std::move(o)});
    }
    return {std::move(all)};
}

}  // namespace quick_start
