#pragma once
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/held_out.hpp>
#include <midtrain/train/multiple_choice.hpp>
#include <midtrain/train/needle.hpp>

namespace midtrain::inline MT_ABI {

/// All that was measured of a model, item by item, so that two models can be compared over the same items.
struct evaluation_results {
    struct generated {
        std::string prompt, text;
    };

    std::string                                        model;
    held_out_result                                    held_out;
    std::vector<std::pair<std::string, choice_result>> choices;  ///< by task
    std::vector<needle_score>                          needles;
    std::vector<generated>                             texts;
};

inline io::json to_json(evaluation_results const& r) {
    using json = io::json;
    json::object all, choices;
    for (auto const& [task, result] : r.choices) choices.emplace(task, to_json(result));
    all.emplace("model", json{r.model});
    all.emplace("held_out", to_json(r.held_out));
    all.emplace("choices", json{std::move(choices)});
    all.emplace("needles", to_json(r.needles));
    all.emplace("generated", detail::json_list(r.texts, [](auto const& t) {
        json::object o;
        o.emplace("prompt", json{t.prompt});
        o.emplace("text", json{t.text});
        return json{std::move(o)};
    }));
    return {std::move(all)};
}

inline void write_results(std::string const& path, evaluation_results const& r) {
    io::write_whole(path, io::written(to_json(r), 1) + "\n");
}

/// What write_results wrote.
inline evaluation_results read_results(std::string const& path) {
    using json = io::json;
    io::mapped_file const       file(path);
    auto const                  all = io::parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
    detail::result_reader const in(all, path);
    evaluation_results          r;
    r.model    = in.get<std::string>("model");
    r.held_out = held_out_result_from({in.get<json::array>("held_out")}, path);
    for (auto const& [task, result] : in.get<json::object>("choices")) r.choices.emplace_back(task, choice_result_from(result, path));
    r.needles = needle_scores_from({in.get<json::array>("needles")}, path);
    for (auto const& t : in.get<json::array>("generated")) {
        detail::result_reader const of(t, path);
        r.texts.push_back({of.get<std::string>("prompt"), of.get<std::string>("text")});
    }
    return r;
}

/// For people: a line a source, a task and a needle.
inline void print(evaluation_results const& r, std::FILE* to) {
    if (!r.held_out.sources.empty()) std::fprintf(to, "%-16s %26s %26s %9s\n", "held-out", "nats a token", "bits a byte", "documents");
    for (auto const& s : r.held_out.sources) {
        auto const v = value_of(s);
        std::fprintf(to, "%-16s %8.4f [%7.4f,%8.4f] %8.4f [%7.4f,%8.4f] %9zu\n", s.name.c_str(), v.loss.value, v.loss.low, v.loss.high,
                     v.bits_per_byte.value, v.bits_per_byte.low, v.bits_per_byte.high, s.documents.size());
    }
    if (!r.choices.empty()) std::fprintf(to, "%-24s %18s %18s %6s\n", "multiple choice", "acc", "acc_norm", "items");
    for (auto const& [task, c] : r.choices) {
        auto const acc = c.acc(), norm = c.acc_norm();
        std::fprintf(to, "%-24s %8.4f +- %6.4f %8.4f +- %6.4f %6zu\n", task.c_str(), acc.value, acc.standard_error, norm.value,
                     norm.standard_error, c.items.size());
    }
    if (!r.needles.empty())
        std::fprintf(to, "%-16s %8s %6s %7s %7s %14s %9s\n", "long context", "length", "depth", "exact", "tokens", "log p a token",
                     "generated");
    for (auto const& n : r.needles)
        std::fprintf(to, "%-16s %8lld %6.2f %7.3f %7.3f %14.4f %9.3f\n", n.task.c_str(), static_cast<long long>(n.length), n.depth, n.exact,
                     n.tokens, n.log_likelihood, n.generated);
    for (auto const& t : r.texts) std::fprintf(to, "%s\n  %s\n", io::quoted(t.prompt).c_str(), io::quoted(t.text).c_str());
}

/// Changes from `before` to `after` of what both have, with paired 95 % intervals; * where 0 lies outside.
inline void print_changes(evaluation_results const& before, evaluation_results const& after, std::FILE* to) {
    std::fprintf(to, "changes from %s to %s, with paired 95 %% intervals (* where 0 lies outside)\n", before.model.c_str(),
                 after.model.c_str());
    auto const line = [&](std::string const& what, char const* unit, interval const& d) {
        std::fprintf(to, "%-24s %+8.4f [%+8.4f, %+8.4f]%c %s\n", what.c_str(), d.value, d.low, d.high, d.low > 0 || d.high < 0 ? '*' : ' ',
                     unit);
    };
    for (auto const& [source, d] : held_out_changes(before.held_out, after.held_out)) line(source, "nats a token", d);
    for (auto const& [task, b] : before.choices)
        for (auto const& [other, a] : after.choices)
            if (other == task) line(task, "acc", bootstrap_difference(b, a));
    for (auto const& b : before.needles)
        for (auto const& a : after.needles)
            if (a.task == b.task && a.length == b.length && a.depth == b.depth)
                std::fprintf(to, "%-16s %8lld %6.2f %+7.3f exact %+7.3f tokens\n", a.task.c_str(), static_cast<long long>(a.length),
                             a.depth, a.exact - b.exact, a.tokens - b.tokens);
}

}  // namespace midtrain::inline MT_ABI
