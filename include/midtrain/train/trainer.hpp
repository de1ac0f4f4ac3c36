#pragma once
#include <chrono>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/concepts/communicator.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/mixture/sources.hpp>
#include <midtrain/position/rotary_table.hpp>
#include <midtrain/train/batches.hpp>
#include <midtrain/train/checkpoints.hpp>
#include <midtrain/train/plan.hpp>
#include <midtrain/train/recipe.hpp>
#include <midtrain/train/report.hpp>
#include <midtrain/train/run_state.hpp>
#include <midtrain/train/step.hpp>
#include <midtrain/train/stop_signal.hpp>

namespace midtrain::inline MT_ABI {

/// How a run ended: through all stages, or asked to stop by a signal, with its state saved.
enum class outcome { finished, interrupted };

namespace detail {

/// A source that somebody else owns.
template <class Store>
struct borrowed_store {
    Store const* store;

    auto           documents() const { return store->documents(); }
    decltype(auto) document(std::int64_t i) const { return store->document(i); }
};

}  // namespace detail

/// Carries out a recipe on a model: stage after stage, one row of steps over one model, so that between stages the buffers stay and the
/// tables change. With checkpoints it goes on from the newest good one. After its first step the loop allocates nothing.
template <class Ranks, class Model, class Recipe, class Shape>
class trainer {
    static_assert(Communicator<Ranks>, "midtrain: the ranks are no Communicator; the shortest one is midtrain/comm/self.hpp");

  public:
    trainer(Ranks& ranks, Model& model, checked_recipe<Recipe, Shape> recipe, checkpoints where = {})
        : ranks_(&ranks), model_(&model), recipe_(std::move(recipe)), where_(std::move(where)) {
        model.z_loss = recipe_->z_loss;
        model.prepare(recipe_->optimizer);
        state_.settings = written_settings(*recipe_);
        if (auto const found = where_.newest()) {
            where_.load(*found, state_, model);
            resumed_ = true;
        }
    }

    /// Whether a checkpoint was found, and the steps that it had done.
    bool             resumed() const { return resumed_; }
    run_state const& state() const { return state_; }

    template <template <class> class Sources, class Store>
    run_plan plan(Sources<Store> const& corpus) const {
        return make_plan(*recipe_, *model_, names_of_sources(corpus));
    }

    /// Trains to the end, or until a signal asks it to stop. Each observer is called with a report after each step. Throws
    /// midtrain::error when a source is empty, when the loss is not a number, or when a checkpoint cannot be written.
    template <template <class> class Sources, class Store, class... Observers>
    outcome run(Sources<Store> const& corpus, Observers&&... observers) {
        prepare(corpus);
        std::vector<detail::borrowed_store<Store>> stores;
        for_each_source(corpus, [&](std::string_view, Store const& s) { stores.push_back({&s}); });
        stop_signal const stop;
        auto const        tell = [&](report const& r) { (observers(r), ...); };
        bool              going = true;
        for_each_stage(recipe_->stages, [&](auto const& s, int n) {
            if (going && n >= state_.stage) going = run_stage(s, n, std::span<detail::borrowed_store<Store> const>(stores), stop, tell);
        });
        return going ? outcome::finished : outcome::interrupted;
    }

  private:
    using clock = std::chrono::steady_clock;

    template <template <class> class Sources, class Store>
    void prepare(Sources<Store> const& corpus) {
        state_.sources = names_of_sources(corpus);
        state_.cursors.resize(state_.sources.size());
        for_each_source(corpus, [&](std::string_view name, Store const& s) {
            check(s.documents() > 0, [&] { return "source '" + std::string(name) + "' has no documents"; });
            if constexpr (requires { s.vocabulary(); })
                check(s.vocabulary() <= recipe_.shape().vocab, [&] {
                    return "source '" + std::string(name) + "' was made with a vocabulary of " + std::to_string(s.vocabulary()) + " tokens where the model has " +
                           std::to_string(recipe_.shape().vocab);
                });
            if constexpr (requires { s.verify(); }) s.verify();
        });
        plan_ = make_plan(*recipe_, *model_, state_.sources);
        std::int64_t steps = 0;
        for (auto const& s : plan_.stages) steps += s.steps;
        state_.record.reserve(static_cast<std::size_t>(steps) * state_.record_width());
    }

    template <class Stage, class Store, class Tell>
    bool run_stage(Stage const& s, int n, std::span<Store const> stores, stop_signal const& stop, Tell const& tell) {
        model_->set_rotary(s.batch.length, s.position);
        batches<Store> drawn(stores, recipe_.shape().end_token, recipe_->seed, s.batch.sequences, s.batch.length,
                             s.steps() * s.batch.sequences, s.batch.positions);
        if (state_.stage == n && state_.step_in_stage > 0) drawn.resume({state_.drawn, state_.cursors});
        else drawn.start_at(state_.cursors);
        if (state_.stage != n) state_.stage = n, state_.step_in_stage = 0;
        begin_report(s, n);
        while (state_.step_in_stage < s.steps()) {
            one_step(s, drawn, tell);
            bool const last = state_.step_in_stage == s.steps(), stopped = stop.came();
            if (last || stopped || where_.due(state_.step)) where_.save(state_, *model_);
            if (stopped && !(last && n + 1 == static_cast<int>(recipe_->stages.size()))) return false;
        }
        return true;
    }

    template <class Stage, class Store, class Tell>
    void one_step(Stage const& s, batches<Store>& drawn, Tell const& tell) {
        auto const     start = clock::now();
        progress const at    = s.at(state_.step_in_stage);
        auto const     mixed = s.mixture.weights(at);
        std::copy(mixed.begin(), mixed.end(), weights_.begin());
        drawn.draw([&](std::int64_t sequence, std::span<double> to) {
            // Weights are continuous in tokens; a policy's `step` is the step that a sequence belongs to.
            progress const here{sequence / s.batch.sequences, {sequence * s.batch.length}, at.budget, at.batch};
            auto const     w = s.mixture.weights(here);
            std::copy(w.begin(), w.end(), to.begin());
        });
        try {
            take_step(*ranks_, *model_, recipe_->optimizer, drawn,
                      {.rate = s.rate.rate(at), .step = state_.step + 1, .clip = recipe_->clip, .micro_batch = s.batch.micro}, token_loss_, result_);
        } catch (error const& e) {
            throw error("stage '" + std::string(s.name) + "', " + e.what() + "; " + written_batch(drawn) + "; " + where_.last_good());
        }
        advance(s, drawn);
        tell(make_report(s, s.rate.rate(at), std::chrono::duration<double>(clock::now() - start).count()));
    }

    template <class Stage, class Store>
    void advance(Stage const& s, batches<Store> const& drawn) {
        ++state_.step, ++state_.step_in_stage;
        state_.tokens += s.batch.size().count;
        drawn.store_in(state_.drawn, state_.cursors);
        state_.record.push_back(result_.loss);
        for (std::size_t i = 0; i < result_.source_loss.size(); ++i)
            state_.record.push_back(result_.source_targets[i] > 0 ? result_.source_loss[i] : std::nan(""));
    }

    template <class Store>
    std::string written_batch(batches<Store> const& drawn) const {
        std::string s = "its sequences begin in";
        for (index_t k = 0; k < drawn.sequences() && k < 16; ++k) {
            auto const [document, offset] = drawn.begins_at(k);
            s += (k ? ", " : " ") + state_.sources[static_cast<std::size_t>(drawn.source_of(k))] + " document " + std::to_string(document) +
                 " token " + std::to_string(offset);
        }
        return s + (drawn.sequences() > 16 ? ", ..." : "");
    }

    template <class Stage>
    void begin_report(Stage const& s, int n) {
        weights_.resize(state_.sources.size());
        source_tokens_.resize(state_.sources.size());
        tokens_before_.clear();
        for (std::size_t i = 0; i < state_.sources.size(); ++i)
            tokens_before_.push_back(state_.cursors[i].tokens - (state_.step_in_stage > 0 ? stage_tokens(i, s.batch.length) : 0));
        stage_number_ = n;
    }
    std::int64_t stage_tokens(std::size_t source, index_t length) const { return state_.drawn.drawn[source] * length; }

    template <class Stage>
    report make_report(Stage const& s, double rate, double seconds) {
        for (std::size_t i = 0; i < source_tokens_.size(); ++i) source_tokens_[i] = state_.cursors[i].tokens - tokens_before_[i];
        auto const& p = plan_.stages[static_cast<std::size_t>(stage_number_)];
        spent_ += seconds;
        cost_spent_ += p.cost * static_cast<double>(s.batch.size().count);
        double left = p.cost * static_cast<double>(p.tokens - state_.step_in_stage * s.batch.size().count);
        for (std::size_t k = static_cast<std::size_t>(stage_number_) + 1; k < plan_.stages.size(); ++k)
            left += plan_.stages[k].cost * static_cast<double>(plan_.stages[k].tokens);
        report r;
        r.stage = s.name, r.stage_number = stage_number_ + 1, r.stage_count = static_cast<int>(plan_.stages.size());
        r.step = state_.step, r.at = s.at(state_.step_in_stage);
        r.loss = result_.loss, r.rate = rate, r.gradient_norm = result_.gradient_norm;
        r.seconds = seconds, r.seconds_left = left * spent_ / cost_spent_;
        r.sources = state_.sources, r.weights = weights_, r.source_loss = result_.source_loss;
        r.source_targets = result_.source_targets, r.source_tokens = source_tokens_;
        return r;
    }

    Ranks*                                ranks_;
    Model*                                model_;
    checked_recipe<Recipe, Shape>         recipe_;
    checkpoints                           where_;
    run_state                             state_;
    run_plan                              plan_;
    bool                                  resumed_ = false;
    int                                   stage_number_ = 0;
    double                                spent_ = 0, cost_spent_ = 0;
    step_result                           result_;
    std::vector<typename Model::computed> token_loss_;
    std::vector<double>                   weights_;
    std::vector<std::int64_t>             source_tokens_, tokens_before_;
};

}  // namespace midtrain::inline MT_ABI
