#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/seconds_now.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/train/bootstrap.hpp>
#include <midtrain/train/effective_rank.hpp>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/held_out.hpp>
#include <midtrain/train/multiple_choice.hpp>
#include <midtrain/train/needle.hpp>
#include <midtrain/train/report.hpp>
#include <midtrain/train/stage.hpp>

namespace midtrain::inline MT_ABI {

struct evaluator_options {
    std::int64_t every_steps = 0;     ///< 0: not by steps
    tokens       every       = {};    ///< 0: not by tokens
    bool         stage_ends  = true;  ///< always, whatever they cost
    double       share       = 0.2;   ///< of the training's time: an evaluation in between that would take more is left out
};

/// An observer that evaluates the model while it trains: every few steps or tokens and at each stage's end, with the stage's own
/// positions up to the length that the evaluations need. It changes no bit of the run. Records go to a sink such as evaluation_file.
template <class Model, class Stages>
class evaluator {
  public:
    /// `stages`: those of the recipe that is run; it and the model must live as long.
    evaluator(Model& model, Stages const& stages, evaluator_options how, std::function<void(evaluation_record const&)> sink)
        : model_(&model), stages_(&stages), how_(how), sink_(std::move(sink)) {
        check(how.every_steps >= 0 && how.every.count >= 0 && how.share > 0,
              "evaluator: steps and tokens are not negative, the share is positive");
    }

    /// Loss by source and by position. The stores must live as long.
    template <class Store>
    evaluator& held_out(std::vector<named_store<Store>> stores, std::int32_t end_token, evaluate_options how, token_bytes bytes,
                        bootstrap_options intervals = {}) {
        return add(how.length, [=](Model& model, evaluation_record& to) {
            auto const r = evaluate_held_out(model, std::span<named_store<Store> const>(stores), end_token, how, bytes);
            for (auto const& s : r.sources) {
                to.held_out.push_back(value_of(s, intervals));
                to.positions.push_back({s.name, s.positions});
            }
        });
    }
    /// Multiple choice. The tokenizer must live as long.
    template <class Tokenizer>
    evaluator& choices(std::string task, Tokenizer const& tokenizer, std::vector<choice_item> items, choice_options how) {
        return add(how.length, [=, words = &tokenizer](Model& model, evaluation_record& to) {
            to.choice.push_back(value_of(task, evaluate_choices(model, *words, items, how)));
        });
    }
    /// Needles and their kin. Tokenizer and haystack must live as long.
    template <class Tokenizer, class Store>
    evaluator& needles(Tokenizer const& tokenizer, Store const& haystack, needle_options how) {
        check(!how.lengths.empty(), "needles: lengths are not empty");
        auto const longest = *std::max_element(how.lengths.begin(), how.lengths.end()) + (how.generate ? 4 : 0);
        return add(longest, [=, words = &tokenizer, hay = &haystack](Model& model, evaluation_record& to) {
            for (auto const& s : evaluate_needles(model, *words, *hay, how)) to.needle.push_back(value_of(s));
        });
    }
    /// Effective rank and entropy of each layer's residual stream over so many held-out tokens. The stores must live as long.
    template <class Store>
    evaluator& ranks(std::vector<named_store<Store>> stores, std::int32_t end_token, index_t tokens, index_t length) {
        return add(length, [=](Model& model, evaluation_record& to) {
            to.rank = layer_ranks(model, std::span<named_store<Store> const>(stores), end_token, tokens, length);
        });
    }
    /// One's own: f(model, record) over sequences of at most `length`.
    evaluator& add(index_t length, std::function<void(Model&, evaluation_record&)> f) {
        for_each_stage(*stages_, [&](auto const& s, int) {
            check(s.position.context() >= length, [&] {
                return "stage '" + std::string(s.name) + "': its positions reach " + std::to_string(s.position.context()) +
                       " tokens, an evaluation needs " + std::to_string(length);
            });
        });
        length_ = std::max(length_, length);
        all_.push_back(std::move(f));
        return *this;
    }

    void operator()(report const& r) {
        trained_ += r.seconds;
        if (!r.fault.empty() || all_.empty() || !due(r)) return;
        run(r.stage_number, r.step, total(r));
    }

    /// Whether there is an evaluation after the step to come, where a device that runs ahead shall be at rest.
    bool wants_rest(report const& to_come) const { return !all_.empty() && asked(to_come); }

    /// Evaluates now, with the positions of stage `number` (from 1): before the first step, for instance.
    void run(int number, std::int64_t step, std::int64_t run_tokens) {
        double const      start = seconds_now();
        evaluation_record record;
        record.step = step, record.tokens = run_tokens;
        for_each_stage(*stages_, [&](auto const& s, int n) {
            if (n + 1 != number) return;
            model_->with_rotary(std::max<index_t>(length_, s.batch.length), s.position, [&] {
                for (auto const& f : all_) f(*model_, record);
            });
        });
        sink_(record);
        last_ = seconds_now() - start;
        spent_ += last_;
    }
    double seconds() const { return spent_; }  ///< that evaluations took so far

  private:
    bool due(report const& r) const {
        if (how_.stage_ends && r.at.left().count == 0) return true;
        return asked(r) && (spent_ == 0 || spent_ + last_ <= how_.share * trained_);
    }
    bool asked(report const& r) const {
        auto const now = total(r), before = now - r.at.batch.count;
        return (how_.stage_ends && r.at.left().count == 0) || (how_.every_steps > 0 && r.step % how_.every_steps == 0) ||
               (how_.every.count > 0 && now / how_.every.count > before / how_.every.count);
    }
    /// Tokens of the run, those of earlier stages too.
    std::int64_t total(report const& r) const {
        std::int64_t sum = r.at.seen.count;
        for_each_stage(*stages_, [&](auto const& s, int n) {
            if (n + 1 < r.stage_number) sum += s.at(0).budget.count;
        });
        return sum;
    }

    Model*                                                      model_;
    Stages const*                                               stages_;
    evaluator_options                                           how_;
    std::function<void(evaluation_record const&)>               sink_;
    std::vector<std::function<void(Model&, evaluation_record&)>> all_;
    index_t                                                     length_ = 0;
    double                                                      trained_ = 0, spent_ = 0, last_ = 0;  // seconds
};

}  // namespace midtrain::inline MT_ABI
