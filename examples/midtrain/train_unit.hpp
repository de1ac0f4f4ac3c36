#pragma once
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
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
#include <midtrain/train/report_html.hpp>
#include <midtrain/train/tensorboard.hpp>
#include <midtrain/train/trainer.hpp>
#include "run_origin.hpp"
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

/// One line an evaluation; the file has all of it.
inline void print_evaluation(mt::evaluation_record const& r) {
    std::string line = "step " + std::to_string(r.step) + ":";
    char        text[96];
    for (auto const& v : r.held_out) line += (std::snprintf(text, sizeof text, " %s %.4f", v.source.c_str(), v.loss.value), text);
    for (auto const& v : r.choice) line += (std::snprintf(text, sizeof text, " %s %.1f %%", v.task.c_str(), 100 * v.accuracy.value), text);
    double score = 0;
    for (auto const& v : r.needle) score += v.score / static_cast<double>(r.needle.size());
    if (!r.needle.empty()) line += (std::snprintf(text, sizeof text, " needles %.2f", score), text);
    std::fprintf(stderr, "\n%s\n", line.c_str());
}

/// What evaluations read, for as long as a run goes on.
class evaluation_inputs {
  public:
    template <class Recipe>
    evaluation_inputs(run_file const& run, model_files const& files, Recipe const& recipe) : form_(&run.form.evaluate), files_(&files) {
        mt::data::token_options const known{.end_token = files.shape.end_token, .vocabulary = files.shape.vocab};
        for (auto const& s : run.form.source)
            if (!s.held_out.empty()) held_out_.push_back({s.name.value.text(), std::make_unique<mt::data::any_tokens const>(mt::data::open_tokens(s.held_out, known))});
        if (!form_->haystack.empty()) haystack_ = std::make_unique<mt::data::any_tokens const>(mt::data::open_tokens(form_->haystack, known));
        mt::check(files.tokenizer || (form_->task.empty() && !haystack_), "[evaluate]: tasks and needles need a tokenizer, and the model has none; set model.tokenizer");
        length_ = form_->length > 0 ? form_->length : usual_length(recipe);
    }

    bool any() const { return !held_out_.empty() || !form_->task.empty() || haystack_; }

    template <class Evaluator>
    void add_to(Evaluator& to) const {
        auto const end = static_cast<std::int32_t>(files_->shape.end_token);
        std::vector<mt::named_store<mt::data::any_tokens>> stores;
        for (auto const& [name, store] : held_out_) store->verify(), stores.push_back({name, store.get()});
        if (!stores.empty())
            to.held_out(stores, end, {.documents = form_->documents, .max_tokens = length_, .sequences = 1, .length = length_},
                        files_->tokenizer ? mt::token_bytes(*files_->tokenizer) : mt::token_bytes());
        for (auto const& t : form_->task)
            to.choices(t.name.value.text(), *files_->tokenizer, mt::read_choice_items(t.items),
                       {.sequences = 1, .length = length_, .begin = files_->notes.begin >= 0 ? files_->notes.begin : end, .shots = t.shots, .items = t.count});
        if (haystack_) to.needles(*files_->tokenizer, *haystack_, form_->needle);
    }

  private:
    struct named {
        std::string                                 name;
        std::unique_ptr<mt::data::any_tokens const> store;
    };
    // The longest of the stages' sequences, at most 1024, as far as the positions of every stage reach.
    template <class Recipe>
    static mt::index_t usual_length(Recipe const& recipe) {
        mt::index_t longest = 2, reach = 1024;
        for (auto const& s : recipe.stages.all) longest = std::max<mt::index_t>(longest, s.batch.length), reach = std::min(reach, s.position.context());
        return std::min(longest, reach);
    }

    evaluate_form const*                        form_;
    model_files const*                          files_;
    std::vector<named>                          held_out_;
    std::unique_ptr<mt::data::any_tokens const> haystack_;
    mt::index_t                                 length_ = 0;
};

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

/// AdamW begins with what Hugging Face's Trainer left of it.
template <class Trainer, class Model>
void bring_optimizer(Trainer& trainer, Model& model, model_form const& form) {
    mt::check(!form.fresh, "model.optimizer_state remembers how weights moved, and fresh = true makes new ones");
    mt::io::torch_adamw const file(form.optimizer_state);
    trainer.slots_have_seen(file.step());
    mt::load_adamw_state(model, file);
    std::printf("the optimizer goes on from update %lld of %s\n", static_cast<long long>(file.step()), form.optimizer_state.c_str());
}

template <class Model, class Average>
int train_with(Model& model, run_file const& run, model_files const& files, train_options const& how, recipe_of<Average> const& recipe) {
    auto const& form   = run.form;
    auto const  corpus = open_sources(run, files);
    evaluation_inputs const inputs(run, files, recipe);
    auto        where  = form.checkpoints;
    where.accept_changes |= how.accept_changes;
    mt::self    ranks;
    mt::trainer trainer(ranks, model, mt::judged(recipe, files.shape), mt::checkpoints(where));
    auto        plan       = trainer.plan(corpus);
    auto const& first      = recipe.stages.all.front();
    auto const  measured   = std::min<mt::index_t>(128, first.batch.length);
    model.set_rotary(measured, first.position);
    plan.seconds_per_cost = mt::measure_seconds_per_cost(model, measured);
    mt::print(plan, stdout);
    std::fflush(stdout);
    trainer.on_faults(form.faults);
    if (form.watchdog.on) {
        mt::watchdog_options dog;
        dog.times = form.watchdog.times, dog.at_least = form.watchdog.at_least, dog.abort = form.watchdog.abort;
        trainer.watch(dog);
    }
    if (trainer.resumed()) std::printf("going on from step %lld\n", static_cast<long long>(trainer.state().step));
    else if (!form.model.value.optimizer_state.empty()) bring_optimizer(trainer, model, form.model.value);
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
    mt::evaluator       evaluate(model, recipe.stages, {.every_steps = when.every_steps, .every = when.every, .stage_ends = when.stage_ends, .share = when.share},
                                 [&](mt::evaluation_record const& r) { evaluations(r), print_evaluation(r); });
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
