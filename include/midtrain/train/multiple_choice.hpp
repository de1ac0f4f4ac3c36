#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/random.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/train/bootstrap.hpp>
#include <midtrain/train/choice_items.hpp>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/likelihood.hpp>
#include <midtrain/train/result_json.hpp>

namespace midtrain::inline MT_ABI {

struct choice_options {
    index_t       sequences = 8;     ///< of a batch
    index_t       length    = 1024;  ///< of a sequence: what the model can see; longer contexts lose their beginning
    std::int32_t  begin     = -1;    ///< stands before an item without a context: the begin token, else the end token
    int           shots     = 0;     ///< other items of the same file that stand before each, with their answers
    std::uint64_t seed      = 0;     ///< which
    std::int64_t  items     = 0;     ///< from the first on; 0: all
};

/// What a model says of an item's choices.
struct choice_score {
    std::vector<double>       log_likelihood;  ///< by choice, in nats
    std::vector<std::int64_t> characters;      ///< by choice
    std::size_t               answer = 0;
    bool                      greedy = false;  ///< greedy generation says the answer

    friend bool operator==(choice_score const&, choice_score const&) = default;

    /// The answer is the likeliest choice; the first of equals counts. Of an item with one choice: greedy generation says it.
    bool right() const {
        if (log_likelihood.size() == 1) return greedy;
        return std::max_element(log_likelihood.begin(), log_likelihood.end()) - log_likelihood.begin() ==
               static_cast<std::ptrdiff_t>(answer);
    }
    /// The same after division by the choice's length in characters (Unicode code points).
    bool right_by_length() const {
        if (log_likelihood.size() == 1) return greedy;
        std::size_t best = 0;
        auto const  each = [&](std::size_t k) { return log_likelihood[k] / static_cast<double>(characters[k]); };
        for (std::size_t k = 1; k < log_likelihood.size(); ++k)
            if (each(k) > each(best)) best = k;
        return best == answer;
    }
};

/// A share of items and its standard error, s / sqrt(n) with s from n - 1 (0 of one item), as lm-evaluation-harness has it.
struct accuracy {
    double value = 0, standard_error = 0;
};

struct choice_result {
    std::vector<choice_score> items;

    accuracy acc() const { return share([](auto const& s) { return s.right(); }); }
    accuracy acc_norm() const { return share([](auto const& s) { return s.right_by_length(); }); }

  private:
    template <class Right>
    accuracy share(Right const& right) const {
        check(!items.empty(), "an accuracy needs at least one item");
        double const n = static_cast<double>(items.size());
        double const p = static_cast<double>(std::count_if(items.begin(), items.end(), right)) / n;
        return {p, items.size() > 1 ? std::sqrt(p * (1 - p) / (n - 1)) : 0.0};
    }
};

namespace detail {

/// An item solved, as it stands before others.
inline std::string solved(choice_item const& item) { return item.context(item.answer) + item.continuation(item.answer) + "\n\n"; }

/// Description and examples before item i: `shots` others, drawn without replacement.
inline std::string before_item(std::span<choice_item const> items, std::size_t i, int shots, std::uint64_t seed) {
    random_stream const   draws{seed, i};
    std::set<std::size_t> taken{i};
    std::string           text = items[i].description;
    for (std::uint64_t n = 0; taken.size() <= static_cast<std::size_t>(shots); ++n) {
        auto const k = static_cast<std::size_t>((draws.bits(n) >> 32) * items.size() >> 32);
        if (taken.insert(k).second) text += solved(items[k]);
    }
    return text;
}

inline std::int64_t characters_of(std::string const& utf8) {
    return std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

}  // namespace detail

/// Multiple choice by likelihood: log p(continuation | context) of every choice, with lm-evaluation-harness's conventions (encode_pair,
/// judge_texts, choice_reader).
template <class Model, class Tokenizer>
choice_result evaluate_choices(Model& model, Tokenizer const& tokenizer, std::span<choice_item const> items, choice_options how = {}) {
    auto const n = how.items > 0 ? std::min(items.size(), static_cast<std::size_t>(how.items)) : items.size();
    check(how.shots >= 0 && (how.shots == 0 || static_cast<std::size_t>(how.shots) < items.size()), [&] {
        return "multiple choice: " + std::to_string(how.shots) + " shots of " + std::to_string(items.size()) + " items";
    });
    std::vector<judged_text> texts;
    choice_result            out;
    for (std::size_t i = 0; i < n; ++i) {
        auto const& item   = items[i];
        auto const  before = detail::before_item(items, i, how.shots, how.seed);
        choice_score score;
        score.answer = item.answer;
        for (std::size_t k = 0; k < item.choices.size(); ++k) {
            auto const context = before + item.context(k);
            check(!context.empty() || how.begin >= 0,
                  [&] { return "multiple choice: item " + std::to_string(i) + " has no context, and no begin token is named"; });
            texts.push_back(encode_pair(tokenizer, context, item.continuation(k), how.begin));
            score.characters.push_back(detail::characters_of(item.choices[k]));
        }
        out.items.push_back(std::move(score));
    }
    auto const judged = judge_texts(model, std::span<judged_text const>(texts), {.sequences = how.sequences, .length = how.length});
    auto       at     = judged.begin();
    for (auto& score : out.items)
        for (std::size_t k = 0; k < score.characters.size(); ++k, ++at) {
            score.log_likelihood.push_back(at->log_likelihood);
            if (k == score.answer) score.greedy = at->greedy();
        }
    return out;
}

/// The change of accuracy from `before` to `after` over the same items, with a paired interval.
inline interval bootstrap_difference(choice_result const& before, choice_result const& after, bootstrap_options how = {}) {
    auto const right = [](choice_result const& r) {
        std::vector<document_loss> all;
        for (auto const& s : r.items) all.push_back({s.right() ? 1.0 : 0.0, 1, 0});
        return all;
    };
    return bootstrap_difference(right(before), right(after), how);
}

/// What a record of the run says of a task: shares with intervals by the normal distribution, 1.96 standard errors (0.95) cut at 0 and 1.
inline choice_value value_of(std::string task, choice_result const& r) {
    auto const bounds = [](accuracy const& a) {
        double const half = 1.959964 * a.standard_error;
        return interval{a.value, std::max(0.0, a.value - half), std::min(1.0, a.value + half)};
    };
    return {std::move(task), static_cast<std::int64_t>(r.items.size()), bounds(r.acc()), bounds(r.acc_norm())};
}

/// {"acc", "acc_stderr", "acc_norm", "acc_norm_stderr", "items": [{"log_likelihood", "characters", "answer", "greedy"}, ...]}
inline io::json to_json(choice_result const& r) {
    using json = io::json;
    json::object all;
    auto const   put = [&](std::string const& name, accuracy const& a) {
        all.emplace(name, json{a.value});
        all.emplace(name + "_stderr", json{a.standard_error});
    };
    put("acc", r.acc());
    put("acc_norm", r.acc_norm());
    all.emplace("items", detail::json_list(r.items, [](choice_score const& s) {
        json::object item;
        item.emplace("log_likelihood", detail::json_numbers(s.log_likelihood));
        item.emplace("characters", detail::json_numbers(s.characters));
        item.emplace("answer", json{static_cast<double>(s.answer)});
        item.emplace("greedy", json{s.greedy});
        return json{std::move(item)};
    }));
    return {std::move(all)};
}

/// What to_json wrote; `where` names it in errors.
inline choice_result choice_result_from(io::json const& of, std::string const& where) {
    choice_result r;
    for (auto const& item : detail::result_reader(of, where).get<io::json::array>("items")) {
        detail::result_reader const in(item, where);
        choice_score                s{in.numbers("log_likelihood"), in.wholes("characters"), 0, in.get<bool>("greedy")};
        auto const                  answer = in.whole("answer");
        in.require(!s.log_likelihood.empty() && s.characters.size() == s.log_likelihood.size() && answer >= 0 &&
                       answer < static_cast<std::int64_t>(s.log_likelihood.size()),
                   "an item's choices, lengths and answer do not fit each other");
        s.answer = static_cast<std::size_t>(answer);
        r.items.push_back(std::move(s));
    }
    return r;
}

}  // namespace midtrain::inline MT_ABI
