#pragma once
#include <cmath>
#include <cstdint>
#include <functional>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>
#include <midtrain/concepts/ahead_device.hpp>
#include <midtrain/concepts/annealing_policy.hpp>
#include <midtrain/concepts/communicator.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/mixture/sources.hpp>
#include <midtrain/position/rotary_table.hpp>
#include <midtrain/train/batches.hpp>
#include <midtrain/train/checkpoints.hpp>
#include <midtrain/train/faults.hpp>
#include <midtrain/train/fits_memory.hpp>
#include <midtrain/train/flight.hpp>
#include <midtrain/train/held_weights.hpp>
#include <midtrain/train/launch_rules.hpp>
#include <midtrain/train/match_sources.hpp>
#include <midtrain/train/noise_meter.hpp>
#include <midtrain/train/plan.hpp>
#include <midtrain/train/rank_sharing.hpp>
#include <midtrain/train/recipe.hpp>
#include <midtrain/train/refuse_changes.hpp>
#include <midtrain/train/report.hpp>
#include <midtrain/train/run_state.hpp>
#include <midtrain/train/running_average.hpp>
#include <midtrain/train/slot_exchange.hpp>
#include <midtrain/train/step.hpp>
#include <midtrain/train/step_reporter.hpp>
#include <midtrain/train/step_watcher.hpp>
#include <midtrain/train/stop_signal.hpp>
#include <midtrain/train/wants_rest.hpp>
#include <midtrain/train/watchdog.hpp>
#include <midtrain/train/written.hpp>

namespace midtrain::inline MT_ABI {

/// How a run ended: through all stages, or asked to stop by a signal, with its state saved.
enum class outcome { finished, interrupted };

/// Carries out a recipe on a model: stage after stage, one row of steps over one model, so that between stages the buffers stay and the
/// tables change. With checkpoints it goes on from the newest good one, or begins as a fork of another run's. After its first step the
/// loop allocates nothing.
template <class Ranks, class Model, class Recipe, class Shape>
class trainer {
    static_assert(Communicator<Ranks>, "midtrain: the ranks are no Communicator; the shortest one is midtrain/comm/self.hpp");

    using average_type = running_average<std::remove_cvref_t<decltype(std::declval<Recipe const&>().average)>, Model>;

  public:
    trainer(Ranks& ranks, Model& model, checked_recipe<Recipe, Shape> recipe, checkpoints where = {}, rank_sharing sharing = {})
        : ranks_(&ranks), model_(&model), recipe_(std::move(recipe)), where_(std::move(where)), sharing_(sharing), average_(recipe_->average, model) {
        share_slots(ranks, model, sharing);
        check(model.slices().ranks() == 1 || recipe_->clip_block == 0,
              "clip_block is for ranks that each keep the whole memory of the optimizer: leave sharing.shard false");
        model.prepare(recipe_->optimizer, recipe_->rates);
        state_.settings = written_settings(*recipe_);
        auto all = remembered();
        if (auto const found = where_.newest()) {
            refuse_impossible_changes(*recipe_, state_, where_.load(*found, state_, all));
            resumed_ = true;
        } else if (where_.forks()) where_.fork(state_, all);
        if (state_.parent.rate > 0 && recipe_.inherits()) recipe_ = recipe_.inheriting(state_.parent.rate);
    }

    /// Whether a checkpoint of this run was found; a fork begins anew.
    bool             resumed() const { return resumed_; }
    run_state const& state() const { return state_; }
    /// The model's slots were filled from elsewhere and have seen so many updates: Adam's corrections go on from there.
    void slots_have_seen(std::int64_t updates) {
        check(!resumed_ && !where_.forks(), "slots are brought to a run that begins; a resumed one and a fork have their own");
        state_.optimizer_step = updates;
    }
    /// What is done about spikes and losses that are not numbers; otherwise the latter stop the run.
    void on_faults(fault_policy policy) { faults_ = fault_watch(policy); }
    /// f(saved_step) after each save, as soon as the loop may go on; what then goes wrong with it stops the run.
    void when_saved(std::function<void(saved_step)> f) { when_saved_ = std::move(f); }
    /// The gradient noise scale, measured every few steps; it changes no bit of the run.
    void measure_noise(noise_options how) { noise_.measure(*model_, how); }
    /// Held-out losses by source, NaN where none was measured, after the steps that are done: what policies that look back may see. An
    /// observer calls it, so that a checkpoint after the same step has them.
    void record_held_out(std::span<double const> losses) {
        check(losses.size() == state_.sources.size(), "held-out losses are recorded one a source of the run");
        state_.held_out.push_back(static_cast<double>(state_.step));
        state_.held_out.insert(state_.held_out.end(), losses.begin(), losses.end());
    }
    /// Observers hear of a step while the device is at the next one: for those that only write down what they hear, since the model is a step
    /// further. One that offers `bool wants_rest(report const& to_come) const` is asked whether the device shall wait for it after that step. Only
    /// on a device that runs ahead, with an optimizer of single weights, and where nothing decides from step to step: no policy that looks
    /// back, no fault but stop, no clip_block, no noise measured, no other ranks, which agree after each step whether to save or to stop.
    /// Elsewhere steps are taken one by one as ever, with the same bits.
    void run_ahead(bool ahead = true) { wants_ahead_ = ahead; }
    /// A watchdog over the steps of run().
    void watch(watchdog_options how) { watchdog_options_ = std::move(how); }

    template <template <class> class Sources, class Store>
    run_plan plan(Sources<Store> const& corpus) const {
        return planned(names_of_sources(corpus));
    }

    /// f() while the model has the average's weights, as for an evaluation or an export; then it has its own again.
    template <class F>
    void with_average(F&& f) {
        static_assert(average_type::is_kept,
                      "midtrain: with_average() wants a recipe with an average, such as  .average = mt::ema{.decay = 0.999}");
        check(state_.average_updates > 0, "the average holds nothing yet: its policy has not come to a step that counts");
        struct exchanged {
            average_type& average;
            explicit exchanged(average_type& a) : average(a) { average.exchange(); }
            ~exchanged() { average.exchange(); }
        } const now(average_);
        f();
    }

    /// Trains to the end, or until a signal asks it to stop. Each observer is called with a report after each step. Throws
    /// midtrain::error when a source is empty, when the loss is not a number, when a checkpoint cannot be written, or when memory is short.
    template <template <class> class Sources, class Store, class... Observers>
    outcome run(Sources<Store> const& corpus, Observers&&... observers) try {
        check(!now().asked && !next().asked, "a run that was broken off while its device ran ahead goes on from its checkpoint, by another trainer");
        prepare(corpus);
        std::vector<detail::borrowed_store<Store>> stores;
        for_each_source(corpus, [&](std::string_view, Store const& s) { stores.push_back({&s}); });
        stop_signal const       stop;
        std::optional<watchdog> dog;
        if (watchdog_options_) dog.emplace(*watchdog_options_);
        watcher_.dog    = dog ? &*dog : nullptr;
        auto const tell = [&](report const& r) { (observers(r), ...); };
        wants_rest_     = [&]([[maybe_unused]] report const& to_come) { return (detail::wants_rest(observers, to_come) || ...); };
        if (agree({false, faults_.policy().rewinds() && !where_.newest()}).save) save({});
        bool going = true;
        for_each_stage(recipe_->stages, [&](auto const& s, int n) {
            if (going && n >= state_.stage) going = run_stage(s, n, std::span<detail::borrowed_store<Store> const>(stores), stop, tell);
        });
        where_.wait();
        return going ? outcome::finished : outcome::interrupted;
    } catch (std::bad_alloc const&) {
        throw error("out of memory; " + written_memory(plan_));
    }

  private:
    // Follows a step from within.
    struct gate {
        trainer& of;

        void enter(step_phase p) const { of.watcher_.enter(p); }
        template <class Store>
        void part(batches<Store> const& b, index_t first, index_t count) const { of.noise_.part(*of.model_, b, first, count); }
        bool looks_at_parts() const { return of.noise_.measuring(); }
        bool accepts(step_result const& r) const {
            of.noise_.sum(*of.ranks_);
            of.fault_ = of.faults_.find(of.state_, r);
            return !of.fault_;
        }
    };

    auto remembered() { return detail::remembered<Model, average_type>{*model_, average_}; }

    run_plan planned(std::vector<std::string> names) const {
        auto p = make_plan(*recipe_, *model_, std::move(names));
        auto const values = static_cast<std::int64_t>(model_->parameters().size()),
                   one    = static_cast<std::int64_t>(sizeof(typename Model::master_t));
        p.gradients += noise_.bytes();
        p.average = average_type::is_kept ? values * one : 0;
        p.saved_copy = where_.template copy_bytes<Model>(values * one + p.slots + p.average);
        return p;
    }

    template <template <class> class Sources, class Store>
    void prepare(Sources<Store> const& corpus) {
        take_sources(state_, names_of_sources(corpus));
        judge_launch(recipe_, corpus, state_, ranks_->size());
        plan_ = planned(state_.sources);
        if constexpr (Model::device_type::shares_memory) fits_memory(plan_, usable_memory());
        std::int64_t steps = state_.step;
        run_tokens_ = {};
        for (auto const& s : plan_.stages) steps += s.steps, run_tokens_ += tokens{s.tokens};
        state_.record.reserve(static_cast<std::size_t>(steps) * state_.record_width());
        state_.norms.reserve(static_cast<std::size_t>(steps));
        state_.noise.reserve(state_.noise.size() + noise_.most_rows(steps - state_.step) * so_far().noise_width());
        if (leads()) where_.open();
    }
    bool leads() const { return ranks_->rank() == 0; }

    // What is done between two steps: all ranks stop if one is asked to, and save when the first says so.
    struct wishes {
        bool stop, save;
    };
    wishes agree(wishes mine) {
        if (ranks_->size() == 1) return mine;
        std::int64_t of_all[] = {mine.stop, leads() && mine.save};
        ranks_->sum(row_view<std::int64_t>{of_all, 2});
        return {of_all[0] > 0, of_all[1] > 0};
    }
    /// What policies that look back see.
    loss_record so_far() const { return state_.seen(); }
    void save(tokens batch) {
        if (where_.how().folder.empty()) return;
        if (leads()) where_.wait();  // a copy that is being written may be the one that is filled next
        collect_slots(*ranks_, *model_);
        auto all = remembered();
        if (!leads()) return;
        watcher_.saving(state_.step, [&] { where_.save(state_, all, batch); });
        if (when_saved_ && !where_.how().folder.empty()) when_saved_({state_.step, state_.tokens});
    }

    template <class Stage, class Store, class Tell>
    bool run_stage(Stage const& given, int n, std::span<Store const> stores, stop_signal const& stop, Tell const& tell) {
        auto       s      = given;  // its batch ramp, where it looks back, as far as the record tells
        auto const follow = [&] {
            if (given.batch.ramp.looks_back()) s.batch.ramp = given.batch.ramp.after(so_far(), s.batch.sequences, s.batch.length);
        };
        check(!given.batch.ramp.looks_back() || noise_.measures(), [&] {
            return "stage '" + std::string(s.name) + "': its batch follows the gradient noise scale, which nobody measures: see noise.every";
        });
        model_->set_rotary(s.batch.length, s.position);
        batches<Store> drawn(stores, recipe_.shape().end_token, recipe_->seed, given.batch.most(), s.batch.length, s.sequences(),
                             s.batch.packed(), document_wishes{.order = s.order, .fim = s.fim, .names = state_.sources});
        if (state_.stage == n && state_.step_in_stage > 0) drawn.resume({state_.drawn, state_.cursors, state_.buckets});
        else drawn.start_at(state_.cursors, state_.buckets);
        if (state_.stage != n) state_.stage = n, state_.step_in_stage = 0;
        reporter_.begin(state_, plan_, n, s.batch.length);
        held_.begin(state_.sources.size());
        auto const most = static_cast<std::size_t>((given.batch.most() + s.batch.micro - 1) / s.batch.micro);
        model_->reserve_parts(most);
        for (auto& f : flights_) f.parts.reserve(most);
        follow();
        while (state_.step_in_stage < s.steps()) {
            one_step(s, n, drawn, stop, tell);
            follow();
            bool const last  = state_.step_in_stage == s.steps();
            auto const batch = step_done(s).batch;
            bool const due   = std::exchange(due_, false) || (!now().asked && where_.due({state_.step, state_.tokens}, batch));
            auto const [stopped, saves] = agree({stop.came() && !now().asked, due});
            if (last || stopped || saves) save(batch);
            if (stopped && !(last && n + 1 == static_cast<int>(recipe_->stages.size()))) return false;
        }
        return true;
    }

    // One step is asked for unless it was already, then the next one if nothing must be seen or saved between them; then the first is read.
    template <class Stage, class Store, class Tell>
    void one_step(Stage const& s, int n, batches<Store>& drawn, stop_signal const& stop, Tell const& tell) {
        watcher_.begin(state_.step + 1);
        bool const ahead = goes_ahead(s);
        if (!now().asked) ask(s, drawn, 0, ahead ? update_when::settled : update_when::judged);
        if (ahead && state_.step_in_stage + 1 < s.steps() && !stop.came() && !rests_after_this(s, n)) {
            turn_ = !turn_;
            ask(s, drawn, 1, update_when::settled);
            turn_ = !turn_;
        }
        read(s, n, drawn, ahead);
        watcher_.end();
        flight const& f = now();
        report        r = reporter_.make(s, state_, plan_, f.result, f.weights, watcher_);
        r.rate          = f.rate;
        if (!fault_) noise_.tell(r, so_far());
        if (fault_) r.fault = fault_->action == fault_action::rewind ? "rewound" : "skipped", r.fault_text = state_.faults.back().what;
        now().asked = false;
        watcher_.telling([&] { tell(r); });
        if (next().asked) turn_ = !turn_;
    }

    flight& now() { return flights_[turn_]; }
    flight& next() { return flights_[!turn_]; }

    // Whether steps of this stage may be asked for before the last one was read.
    template <class Stage>
    bool goes_ahead(Stage const& s) const {
        if constexpr (AheadDevice<typename Model::device_type> && works_in_stream<Ranks>() &&
                      Optimizer<std::remove_cvref_t<decltype(recipe_->optimizer)>> && !average_type::is_kept &&
                      !MixtureLooksBack<decltype(s.mixture)>) {
            bool looks_back = s.batch.ramp.looks_back();
            if constexpr (RateLooksBack<decltype(s.rate)>) looks_back = true;
            return wants_ahead_ && ranks_->size() == 1 && !looks_back && !faults_.policy().looks_back() && faults_.policy().not_a_number == fault_action::stop &&
                   recipe_->clip_block == 0 && !noise_.measures();
        } else return false;
    }
    // Whether the run is saved, or an observer looks at the model, after the step that is under way.
    template <class Stage>
    bool rests_after_this(Stage const& s, int n) {
        report to_come;
        to_come.stage = s.name, to_come.stage_number = n + 1, to_come.stage_count = static_cast<int>(recipe_->stages.size());
        to_come.step = state_.step + 1, to_come.at = s.at(state_.step_in_stage + 1), to_come.at.batch = s.at(state_.step_in_stage).batch;
        due_ = where_.due({to_come.step, state_.tokens + to_come.at.batch.count}, to_come.at.batch);
        return due_ || wants_rest_(to_come);
    }

    template <class Stage, class Store>
    void ask(Stage const& s, batches<Store>& drawn, std::int64_t further, update_when when) {
        flight&        f  = now();
        progress const at = s.at(state_.step_in_stage + further);
        held_.look(s, at.step, so_far());
        f.weights.resize(state_.sources.size());
        held_.write(s.mixture, at, f.weights);
        drawn.draw(at.batch.count / s.batch.length, [&](std::int64_t sequence, std::span<double> to) {
            // Weights are continuous in tokens; a policy's `step` is the step that a sequence belongs to.
            held_.write(s.mixture, s.at_sequence(sequence), to);
        }, [&](std::size_t bucket) { return s.order.share(bucket, at); });
        f.keep(drawn);
        model_->z_loss = scalar_at(recipe_->z_loss, of_run(at));
        detail::tell_routers(*model_, scalar_at(recipe_->bias_speed, of_run(at)), scalar_at(recipe_->balance_factor, of_run(at)));
        model_->mtp_weight = scalar_at(recipe_->mtp_weight, of_run(at));
        f.rate             = rate_of(s.rate, at, so_far());
        noise_.begin(*model_, state_.step + 1, state_.sources.size());
        asked_plan_ = {.rate         = f.rate,
                       .step         = state_.step + 1 + further,
                       .update       = state_.optimizer_step + 1 + further,
                       .clip         = recipe_->clip,
                       .clip_block   = recipe_->clip_block,
                       .decay_factor = scalar_at(recipe_->decay_factor, of_run(at)),
                       .micro_batch  = s.batch.micro,
                       .seed         = recipe_->seed,
                       .bucket       = sharing_.bucket};
        try {
            ask_for_step(*ranks_, *model_, recipe_->optimizer, drawn, asked_plan_, when, f.parts, f.result, gate{*this});
        } catch (error const& e) {
            stop_at(s, e.what());
        }
        f.asked = true;
    }
    // Of the step that was asked for first: what it found, what becomes of it, and where the run stands then.
    template <class Stage, class Store>
    void read(Stage const& s, int n, batches<Store>& drawn, bool ahead) {
        flight& f = now();
        if constexpr (AheadDevice<typename Model::device_type>) watcher_.enter(step_phase::compute);
        read_step(*model_, f.result);
        gate{*this}.accepts(f.result);
        if (ahead && fault_) {
            if (next().asked) read_step(*model_, next().result);
            now().asked = next().asked = false;
            model_->go_on();
        } else if (!ahead) {
            if constexpr (AheadDevice<typename Model::device_type>) watcher_.enter(step_phase::update);
            if (fault_) model_->go_on();
            else apply_judged(*ranks_, *model_, recipe_->optimizer, asked_plan_);
        }
        if (fault_) handle_fault(s, n, drawn);
        if (!fault_ || fault_->action == fault_action::skip) advance(s, !fault_);
    }
    template <class Stage>
    [[noreturn]] void stop_at(Stage const& s, std::string const& what) {
        throw error("stage '" + std::string(s.name) + "', " + what + "; " + now().beginnings.written(state_.sources) + "; " + where_.last_good());
    }

    // Writes a fault down and does what the policy says; a step that is to be skipped is left to advance().
    template <class Stage, class Store>
    void handle_fault(Stage const& s, int n, batches<Store>& drawn) {
        auto const  step = std::to_string(state_.step + 1);
        bool const  back = fault_->action == fault_action::rewind;
        std::string what = "step " + step + " " + (back ? "rewound" : "skipped") + ": " + fault_->what;
        if (fault_->action == fault_action::stop)
            stop_at(s, "step " + step + ": " + fault_->what + "; the weights are still those of the step before");
        if (state_.faults.size() >= static_cast<std::size_t>(faults_.policy().at_most))
            stop_at(s,
                    what + "; that is more than the " + std::to_string(faults_.policy().at_most) + " faults that the policy allows");
        state_.faults.push_back({state_.step + 1, what + "; " + now().beginnings.written(state_.sources)});
        if (back) rewind(s, n, drawn);
    }
    // Back to the newest checkpoint, but with the data and the faults of now.
    template <class Stage, class Store>
    void rewind(Stage const& s, int n, batches<Store>& drawn) {
        where_.wait();
        auto const found = where_.newest();
        if (!found) stop_at(s, state_.faults.back().what + "; there is nothing to rewind to");
        auto      all  = remembered();
        run_state then = state_;
        where_.load(*found, then, all);
        then.cursors = drawn.cursors();
        then.buckets = data::rewound_buckets(then.buckets, drawn.now().buckets, then.step_in_stage == 0 || then.stage != n);
        then.faults  = state_.faults;
        if (then.stage != n) then.stage = n, then.step_in_stage = 0;
        if (then.step_in_stage == 0)
            then.drawn = {std::vector<std::int64_t>(then.sources.size()), std::vector<double>(then.sources.size())};
        then.record.reserve(state_.record.capacity());
        then.norms.reserve(state_.norms.capacity());
        then.noise.reserve(state_.noise.capacity());
        state_ = std::move(then);
        drawn.resume({state_.drawn, state_.cursors, state_.buckets});
        reporter_.begin(state_, plan_, n, s.batch.length);
        held_.begin(state_.sources.size());
    }

    template <class Stage>
    void advance(Stage const& s, bool applied) {
        flight const&      f      = now();
        step_result const& result = f.result;
        state_.tokens += s.at(state_.step_in_stage).batch.count;
        ++state_.step, ++state_.step_in_stage;
        state_.optimizer_step += applied;
        f.land(state_);
        state_.record.push_back(result.loss);
        for (std::size_t i = 0; i < result.source_loss.size(); ++i)
            state_.record.push_back(result.source_targets[i] > 0 ? result.source_loss[i] : std::nan(""));
        state_.norms.push_back(result.gradient_norm);
        state_.rate = rate_of(s.rate, s.at(state_.step_in_stage), so_far());
        if (applied) noise_.record(state_.step, result.gradient_norm, result.targets, state_.noise);
        if constexpr (average_type::is_kept) average_.add(run_progress(s), state_.average_updates);
    }
    // Where the stage stands after its step; the batch is that of the step.
    template <class Stage>
    progress step_done(Stage const& s) const {
        progress at = s.at(state_.step_in_stage);
        if (state_.step_in_stage > 0) at.batch = s.at(state_.step_in_stage - 1).batch;
        return at;
    }
    // The same of this recipe; stages that are done count whole.
    template <class Stage>
    progress run_progress(Stage const& s) const {
        return of_run(step_done(s));
    }
    progress of_run(progress at) const {
        at.budget = run_tokens_;
        for (std::size_t n = 0; n < static_cast<std::size_t>(state_.stage); ++n)
            at.step += plan_.stages[n].steps, at.seen += tokens{plan_.stages[n].tokens};
        return at;
    }
    Ranks*                                ranks_;
    Model*                                model_;
    checked_recipe<Recipe, Shape>         recipe_;
    checkpoints                           where_;
    rank_sharing                          sharing_;
    average_type                          average_;
    run_state                             state_;
    run_plan                              plan_;
    tokens                                run_tokens_{};  // of all stages
    fault_watch                           faults_;
    std::optional<fault>                  fault_;         // of the step just done
    std::optional<watchdog_options>       watchdog_options_;
    step_watcher                          watcher_;
    noise_meter<Model>                    noise_;
    step_reporter                         reporter_;
    held_weights                          held_;
    std::function<void(saved_step)>       when_saved_;
    bool                                  resumed_ = false;
    flight                                flights_[2];    // the step that is read next, and the one asked for after it
    bool                                  turn_ = false, wants_ahead_ = false, due_ = false;
    step_plan                             asked_plan_;    // of the step asked for last
    std::function<bool(report const&)>    wants_rest_;
};

}  // namespace midtrain::inline MT_ABI
