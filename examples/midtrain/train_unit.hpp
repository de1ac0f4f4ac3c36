#pragma once
#include <cstdio>
#include <filesystem>
#include <string>
#include <midtrain/comm/self.hpp>
#include <midtrain/data/any_tokens.hpp>
#include <midtrain/train/export.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/plan.hpp>
#include <midtrain/train/progress_bar.hpp>
#include <midtrain/train/recipe.hpp>
#include <midtrain/train/report_html.hpp>
#include <midtrain/train/trainer.hpp>
#include "train_on.hpp"

// What train_*.cpp instantiate, each for one type of model.
namespace program {

namespace detail {

inline mt::named_sources<mt::data::any_tokens> open_sources(run_file const& run, model_files const& files) {
    mt::named_sources<mt::data::any_tokens> all;
    for (auto const& s : run.form.source)
        all.add(s.name.value, mt::data::open_tokens(s.tokens, {.end_token = files.shape.end_token, .vocabulary = files.shape.vocab}));
    return all;
}

template <class Model>
void export_to(Model& model, std::string const& folder, exported how, mt::any_position const& positions, model_files const& files) {
    if (how == exported::none) return;
    mt::export_model(model, folder, positions,
                     {.weights = how == exported::bf16 ? mt::weight_type::bf16 : mt::weight_type::f32,
                      .tokenizer = files.tokenizer ? &*files.tokenizer : nullptr, .notes = files.notes});
    std::printf("wrote %s\n", folder.c_str());
}

template <class Trainer, class Average>
void finish(Trainer& trainer, auto& model, run_file const& run, model_files const& files, recipe_of<Average> const& recipe) {
    auto const& form      = run.form;
    auto const& positions = recipe.stages.all.back().position;
    export_to(model, form.folder.value + "/model", form.output.model, positions, files);
    if constexpr (!std::is_same_v<Average, mt::averaging::none>)
        trainer.with_average([&] { export_to(model, form.folder.value + "/average", form.output.average, positions, files); });
    if (!form.output.report) return;
    auto const page = form.folder.value + "/report.html";
    mt::io::write_whole(page, mt::draw_report({mt::read_run(form.folder.value)}));
    std::printf("wrote %s\n", page.c_str());
}

template <class Model, class Average>
int train_with(Model& model, run_file const& run, model_files const& files, train_options const& how, recipe_of<Average> const& recipe) {
    auto const& form   = run.form;
    auto const  corpus = open_sources(run, files);
    auto        where  = form.checkpoints;
    where.accept_changes |= how.accept_changes;
    mt::self    ranks;
    mt::trainer trainer(ranks, model, mt::judged(recipe, files.shape), mt::checkpoints(where));
    auto        plan       = trainer.plan(corpus);
    model.set_rotary(128, recipe.stages.all.front().position);
    plan.seconds_per_cost  = mt::measure_seconds_per_cost(model, 128);
    mt::print(plan, stdout);
    std::fflush(stdout);
    trainer.on_faults(form.faults);
    if (form.watchdog.on) {
        mt::watchdog_options dog;
        dog.times = form.watchdog.times, dog.at_least = form.watchdog.at_least, dog.abort = form.watchdog.abort;
        trainer.watch(dog);
    }
    if (trainer.resumed()) std::printf("going on from step %lld\n", static_cast<long long>(trainer.state().step));
    std::filesystem::create_directories(form.folder.value);
    mt::metrics_file metrics(form.folder.value + "/metrics.jsonl", trainer.state().step);
    metrics.began(trainer.state().settings, trainer.state().parent.path);
    mt::progress_bar bar;
    auto const       end = trainer.run(corpus, bar, metrics);
    if (end == mt::outcome::interrupted) {
        std::printf("\nstopped and saved; the same command goes on from here\n");
        return 0;
    }
    finish(trainer, model, run, files, recipe);
    return 0;
}

}  // namespace detail

template <class Model>
int train_on(Model& model, run_file const& run, model_files const& files, train_options const& how) {
    auto recipe = with_positions(run, files);
    if (recipe.average.kind() != "none") return detail::train_with(model, run, files, how, recipe);
    recipe_of<mt::averaging::none> const plain{.optimizer = recipe.optimizer, .stages = recipe.stages, .clip = recipe.clip,
                                               .z_loss = recipe.z_loss, .seed = recipe.seed};
    return detail::train_with(model, run, files, how, plain);
}

}  // namespace program
