#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/generate.hpp>
#include <midtrain/train/long_prompts.hpp>
#include <midtrain/train/result_json.hpp>

namespace midtrain::inline MT_ABI {

struct needle_options {
    std::vector<long_task> tasks    = {long_task::needle};
    std::vector<index_t>   lengths  = {1024};  ///< tokens; the model's rotary table must reach the longest
    std::vector<double>    depths   = {0, 0.25, 0.5, 0.75, 1};
    std::int64_t           trials   = 4;
    std::uint64_t          seed     = 0;
    bool                   generate = false;   ///< also lets the model speak, which takes a pass a token
};

/// How a task went at one length and depth, over its trials.
struct needle_score {
    std::string  task;
    index_t      length = 0;
    double       depth  = 0;               ///< 0 for tasks without one
    std::int64_t trials = 0;
    double       exact = 0;                ///< share of trials whose whole answer greedy generation would say
    double       tokens = 0;               ///< share of the answers' tokens that are the likeliest at their place
    double       log_likelihood = 0;       ///< of the answers, a token, in nats
    double       generated = std::nan("");  ///< share of the answers that what it generated holds; NaN if it was not asked to

    /// What a record of the run says: what was generated, else the share of tokens, which a small model moves first.
    double score() const { return std::isnan(generated) ? tokens : generated; }
};

namespace detail {

/// The share of answers that a generation holds (RULER's string_match_all).
inline double held_share(std::string const& said, std::vector<std::string> const& answers) {
    auto const n = std::count_if(answers.begin(), answers.end(), [&](auto const& a) { return said.find(a) != said.npos; });
    return static_cast<double>(n) / static_cast<double>(answers.size());
}

template <class Model, class Tokenizer>
double generated_share(Model& model, Tokenizer const& tokenizer, std::span<long_prompt const> prompts) {
    double sum = 0;
    for (auto const& p : prompts) {
        auto const rest = static_cast<index_t>(p.text.tokens.size() - p.text.first);
        sum += held_share(
            tokenizer.decode(midtrain::generate(model, std::span(p.text.tokens).first(p.text.first), {.max_tokens = rest + 4})), p.answers);
    }
    return sum / static_cast<double>(prompts.size());
}

}  // namespace detail

/// Needles in a haystack and their kin, by task, length and depth. Haystack: `documents()` and `document(i)`, a range of token ids.
template <class Model, class Tokenizer, class Store>
std::vector<needle_score> evaluate_needles(Model& model, Tokenizer const& tokenizer, Store const& haystack,
                                           needle_options const& how = {}) {
    check(!how.tasks.empty() && !how.lengths.empty() && !how.depths.empty() && how.trials > 0,
          "needles: tasks, lengths, depths and trials are not empty");
    std::vector<needle_score> out;
    for (auto task : how.tasks)
        for (auto length : how.lengths)
            for (auto depth : has_depth(task) ? how.depths : std::vector<double>{0}) {
                std::vector<long_prompt> prompts;
                std::vector<judged_text> texts;
                for (std::int64_t t = 0; t < how.trials; ++t) {
                    prompts.push_back(make_long_prompt(tokenizer, haystack, task, length, depth, how.seed, t));
                    texts.push_back(prompts.back().text);
                }
                needle_score s{std::string(name_of(task)), length, depth, how.trials, 0, 0, 0, std::nan("")};
                double       tokens = 0;
                for (auto const& j : judge_texts(model, std::span<judged_text const>(texts), {.sequences = 1, .length = length})) {
                    s.exact += j.greedy(), s.tokens += static_cast<double>(j.likeliest), s.log_likelihood += j.log_likelihood;
                    tokens += static_cast<double>(j.tokens);
                }
                s.exact /= static_cast<double>(how.trials), s.tokens /= tokens, s.log_likelihood /= tokens;
                if (how.generate) s.generated = detail::generated_share(model, tokenizer, std::span<long_prompt const>(prompts));
                out.push_back(std::move(s));
            }
    return out;
}

inline needle_value value_of(needle_score const& s) { return {s.task, s.length, s.depth, s.score(), s.trials}; }

inline io::json to_json(std::vector<needle_score> const& all) {
    using json = io::json;
    return detail::json_list(all, [](needle_score const& s) {
        json::object o;
        o.emplace("task", json{s.task});
        o.emplace("length", json{static_cast<double>(s.length)});
        o.emplace("depth", json{s.depth});
        o.emplace("trials", json{static_cast<double>(s.trials)});
        o.emplace("exact", json{s.exact});
        o.emplace("tokens", json{s.tokens});
        o.emplace("log_likelihood", json{s.log_likelihood});
        if (!std::isnan(s.generated)) o.emplace("generated", json{s.generated});
        return json{std::move(o)};
    });
}

/// What to_json wrote; `where` names it in errors.
inline std::vector<needle_score> needle_scores_from(io::json const& of, std::string const& where) {
    check(of.as<io::json::array>() != nullptr, [&] { return where + ": scores of needles are no list"; });
    std::vector<needle_score> all;
    for (auto const& v : *of.as<io::json::array>()) {
        detail::result_reader const in(v, where);
        all.push_back({in.get<std::string>("task"), static_cast<index_t>(in.whole("length")), in.number("depth"), in.whole("trials"),
                       in.number("exact"), in.number("tokens"), in.number("log_likelihood"),
                       v.find("generated") ? in.number("generated") : std::nan("")});
    }
    return all;
}

}  // namespace midtrain::inline MT_ABI
