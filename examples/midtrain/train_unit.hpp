#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/comm/self.hpp>
#include <midtrain/data/any_tokens.hpp>
#include <midtrain/io/torch_adamw.hpp>
#include <midtrain/train/evaluation_record.hpp>
#include <midtrain/train/evaluator.hpp>
#include <midtrain/train/export.hpp>
#include <midtrain/train/load_adamw_state.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/plan.hpp>
#include <midtrain/train/progress_bar.hpp>
#include <midtrain/train/recipe.hpp>
#include <midtrain/train/tensorboard.hpp>
#include <midtrain/train/trainer.hpp>
#include "evaluation_inputs.hpp"
#include "run_origin.hpp"
#include "train_on.hpp"

// Compiled once, in train_parts.cpp.
extern template std::string midtrain::written_settings<program::plain_recipe>(program::plain_recipe const&);
extern template std::string midtrain::written_settings<program::averaged_recipe>(program::averaged_recipe const&);
extern template midtrain::checked_recipe<program::plain_recipe, midtrain::io::hf_config> midtrain::judged(program::plain_recipe, midtrain::io::hf_config);
extern template midtrain::checked_recipe<program::averaged_recipe, midtrain::io::hf_config> midtrain::judged(program::averaged_recipe, midtrain::io::hf_config);

// What train_*.cpp instantiate, each for one type of recipe.
namespace program {

namespace detail {

inline void export_to(host_model& model, std::string const& folder, exported how, mt::any_position const& positions, model_files const& files) {
    if (how == exported::none) return;
    mt::export_model(model, folder, positions,
                     {.weights = how == exported::bf16 ? mt::weight_type::bf16 : mt::weight_type::f32,
                      .tokenizer = files.tokenizer ? &*files.tokenizer : nullptr, .notes = files.notes});
    std::printf("wrote %s\n", folder.c_str());
}

/// What policies that look back may see of an evaluation; one before the first step is none of the run's.
template <class Trainer>
void record_held_out(Trainer& trainer, mt::evaluation_record const& r) {
    auto const& sources = trainer.state().sources;
    if (r.held_out.empty() || sources.empty()) return;
    std::vector<double> losses(sources.size(), std::nan(""));
    for (auto const& v : r.held_out) losses[static_cast<std::size_t>(std::find(sources.begin(), sources.end(), v.source) - sources.begin())] = v.loss.value;
    trainer.record_held_out(losses);
}

template <class Trainer, class Average>
void finish(Trainer& trainer, host_model& model, run_file const& run, model_files const& files, recipe_of<Average> const& recipe) {
    auto const& form      = run.form;
    auto const& positions = recipe.stages.all.back().position;
    export_to(model, form.folder.value + "/model", form.output.model, positions, files);
    if constexpr (!std::is_same_v<Average, mt::averaging::none>)
        if (form.output.average != exported::none) trainer.with_average([&] { export_to(model, form.folder.value + "/average", form.output.average, positions, files); });
    if (!form.output.report) return;
    write_report(form.folder.value);
}

/// AdamW begins with what Hugging Face's Trainer left of it.
template <class Trainer>
void bring_optimizer(Trainer& trainer, host_model& model, model_form const& form, std::string_view optimizer) {
    mt::check(optimizer == "adamw", [&] { return "model.optimizer_state is what AdamW remembers, and the optimizer is " + std::string(optimizer); });
    mt::check(!form.fresh, "model.optimizer_state remembers how weights moved, and fresh = true makes new ones");
    mt::io::torch_adamw const file(form.optimizer_state);
    trainer.slots_have_seen(file.step());
    mt::load_adamw_state(model, file);
    std::printf("the optimizer goes on from update %lld of %s\n", static_cast<long long>(file.step()), form.optimizer_state.c_str());
}

}  // namespace detail

template <class Average>
int train_with(host_model& model, run_file const& run, model_files const& files, train_options const& how, recipe_of<Average> const& recipe) {
    auto const& form   = run.form;
    auto const  corpus = open_sources(run, files);
    evaluation_inputs const inputs(run, files, recipe);
    auto        where  = form.checkpoints;
    where.accept_changes |= how.accept_changes;
    mt::self    ranks;
    mt::trainer trainer(ranks, model, mt::judged(recipe, files.shape), mt::checkpoints(where));
    trainer.measure_noise(form.noise);
    auto        plan       = trainer.plan(corpus);
    auto const& first      = recipe.stages.all.front();
    auto const  measured   = std::min<mt::index_t>(128, first.batch.length);
    model.set_rotary(measured, first.position);
    plan.seconds_per_cost = mt::measure_seconds_per_cost(model, measured);
    mt::print(plan, stdout);
    std::fflush(stdout);
    if (form.output.model != exported::none) mt::check_export(model, recipe.stages.all.back().position);  // better now than at the end
    trainer.on_faults(form.faults);
    if (form.watchdog.on) {
        mt::watchdog_options dog;
        dog.times = form.watchdog.times, dog.at_least = form.watchdog.at_least, dog.abort = form.watchdog.abort;
        trainer.watch(dog);
    }
    if (trainer.resumed()) std::printf("going on from step %lld\n", static_cast<long long>(trainer.state().step));
    else if (!form.model.value.optimizer_state.empty()) detail::bring_optimizer(trainer, model, form.model.value, recipe.optimizer.kind());
    std::filesystem::create_directories(form.folder.value);
    write_run_origin(form.folder.value, {.model = form.model.value.from, .tokenizer = form.model.value.tokenizer});
    auto const&      state = trainer.state();
    mt::metrics_file metrics(form.folder.value + "/metrics.jsonl", state.step);
    metrics.began(state.settings, state.parent.path);
    trainer.when_saved([&](mt::saved_step at) { metrics.note({"saved", at.step, at.tokens, mt::checkpoint_name(at.step)}); });
    std::optional<mt::tensorboard> board;
    if (form.output.tensorboard) board.emplace(form.folder.value + "/tensorboard", state.step);
    mt::evaluation_file evaluations(form.folder.value + "/evaluations.jsonl", state.step);
    auto const&         when = form.evaluate;
    // A rate that waits for held-out losses must not depend on how long they take to measure.
    bool const waits = std::any_of(recipe.stages.all.begin(), recipe.stages.all.end(), [](auto const& s) { return s.rate.looks_back(); });
    mt::check(!waits || (inputs.any_held_out() && (when.every_steps > 0 || when.every.count > 0)),
              "reduce_on_plateau waits for held-out losses: give sources held_out, and [evaluate] every_steps or every");
    mt::evaluator       evaluate(model, recipe.stages, {.every_steps = when.every_steps, .every = when.every, .stage_ends = when.stage_ends, .share = waits ? 1e9 : when.share},
                                 [&](mt::evaluation_record const& r) { evaluations(r), print_evaluation(r), detail::record_held_out(trainer, r); });
    inputs.add_to(evaluate);
    if (when.at_start && state.step == 0 && inputs.any()) evaluate.run(1, 0, 0);
    mt::progress_bar bar;
    auto const       end = trainer.run(corpus, bar, metrics, [&](mt::report const& r) {
        if (board) (*board)(r);
        evaluate(r);
    });
    if (end == mt::outcome::interrupted) {
        std::printf("\nstopped and saved; the same command goes on from here\n");
        return 0;
    }
    detail::finish(trainer, model, run, files, recipe);
    return 0;
}

}  // namespace program
