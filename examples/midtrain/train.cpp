#include <memory>
#include <string>
#include <vector>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/fits_memory.hpp>
#include <midtrain/train/metrics_file.hpp>
#include <midtrain/train/plan.hpp>
#include <midtrain/train/plan_chart.hpp>
#include <midtrain/train/recipe.hpp>
#include "commands.hpp"
#include "foreign.hpp"
#include "train_on.hpp"

namespace program {

recipe_of<mt::any_average> with_positions(run_file const& run, model_files const& files) {
    auto recipe = run.recipe;
    for (std::size_t i = 0; i < recipe.stages.all.size(); ++i) {
        auto& stage = recipe.stages.all[i];
        if (!run.own_position[i]) stage.position = files.position();
        if (stage.fim.rate > 0 && files.tokenizer) stage.fim = mt::data::with_sentinels(stage.fim, *files.tokenizer);
        mt::check(!mt::io::learns_positions(files.shape.family) || stage.batch.length <= files.shape.context, [&] {
            return "stage '" + stage.name.text() + "' has sequences of " + std::to_string(stage.batch.length.value) + " tokens, and this gpt2 has learned " +
                   std::to_string(files.shape.context) + " positions";
        });
    }
    return recipe;
}

namespace {

struct given {
    std::string              file;
    std::vector<std::string> set;
    bool                     dry_run = false, accept_changes = false;

    run_file read() const {
        mt::settings changes;
        for (auto const& s : set) changes.set(s);
        return read_run_file(file, changes);
    }
};

model_options options_of(run_form const& form) {
    return {.compute = form.model.value.compute, .memory = form.model.value.recompute ? mt::pass_mode::recompute : mt::pass_mode::train,
            .threads = form.model.value.threads, .fresh = form.model.value.fresh, .seed = form.seed};
}
model_files files_of(run_form const& form) { return open_model(form.model.value.from, form.model.value.tokenizer); }

struct drawing {
    std::string svg, against;
};

int plan(given const& g, drawing const& d = {}) {
    auto const run   = g.read();
    auto const files = files_of(run.form);
    auto const checked = mt::judged(with_positions(run, files), files.shape);
    auto       how   = options_of(run.form);
    if (how.compute == precision::automatic) how.compute = precision::fp32;
    mt::counting_device nothing;
    auto const p = mt::make_plan(*checked, *count_model(nothing, files, how), run.source_names());
    mt::print(p, stdout);
    mt::plan_chart_options chart{.title = "Plan of " + g.file};
    if (!d.against.empty()) chart.against = mt::read_metrics(d.against);
    if (!d.svg.empty()) mt::io::write_whole(d.svg, mt::draw_plan(p, chart));
    return 0;
}

CLI::Option* add_run_options(CLI::App& command, std::shared_ptr<given> const& g) {
    command.add_option("--set", g->set, "changes a value: stage.field=value, model.compute=fp32; may be given again")->allow_extra_args(false);
    return command.add_option("run", g->file, "the run file, TOML or JSON");
}

void add_foreign_options(CLI::App& command, std::shared_ptr<foreign_settings> const& f) {
    auto const foreign = command.add_option("--foreign", f->file, "judge a run of OLMo-core (config.json), Megatron-LM (arguments) or Hugging Face's Trainer (JSON)");
    command.add_option("--as-run-file", f->run_file, "also write it as a run file, .toml or .json")->needs(foreign);
    command.add_option("--model", f->model, "the model that it starts from, to compare positions")->needs(foreign);
    command.add_option("--steps", f->steps, "of a run that counts in epochs")->needs(foreign)->check(CLI::PositiveNumber);
    command.add_option("--length", f->length, "of a sequence in tokens, where the file does not say")->needs(foreign)->check(CLI::PositiveNumber);
    command.add_option("--ranks", f->ranks, "data-parallel ones, where a batch is given for each")->needs(foreign)->check(CLI::PositiveNumber);
}

}  // namespace

int carry_out(run_file const& run, train_options const& options) {
    auto const files = files_of(run.form);
    auto       how   = options_of(run.form);
    mt::check(how.fresh || files.has_weights, [&] { return files.path + ": holds no weights; set fresh = true in [model] for new ones"; });
    mt::host device(how.threads > 0 ? how.threads : static_cast<int>(std::thread::hardware_concurrency()));
    how.compute = chosen_precision(how.compute, device);
    // Before a weight is read: a model too large for the machine is one sentence, and not a long wait.
    mt::counting_device nothing;
    auto const          recipe = mt::judged(with_positions(run, files), files.shape);
    mt::fits_memory(mt::make_plan(*recipe, *count_model(nothing, files, how), run.source_names()), mt::usable_memory());
    auto const model = read_model(device, files, how);
    if (recipe->average.kind() != "none") return train_with(*model, run, files, options, *recipe);
    plain_recipe const plain{.optimizer = recipe->optimizer, .stages = recipe->stages, .clip = recipe->clip, .clip_block = recipe->clip_block, .z_loss = recipe->z_loss, .seed = recipe->seed,
                             .average = {}, .decay_factor = recipe->decay_factor, .rates = recipe->rates, .balance_factor = recipe->balance_factor,
                             .bias_speed = recipe->bias_speed, .mtp_weight = recipe->mtp_weight};
    return train_with(*model, run, files, options, plain);
}

void add_plan(CLI::App& program) {
    auto const g       = std::make_shared<given>();
    auto const f       = std::make_shared<foreign_settings>();
    auto const d       = std::make_shared<drawing>();
    auto const command = program.add_subcommand("plan", "judges a run file and says what it would do, without a step");
    add_run_options(*command, g);
    add_foreign_options(*command, f);
    auto const svg = command->add_option("--svg", d->svg, "also draw rate, batch, lengths and mixture over tokens into this file");
    command->add_option("--against", d->against, "draw over them what happened, from a run's metrics.jsonl")->needs(svg);
    command->callback([g, f, d] {
        mt::check(g->file.empty() != f->file.empty(), "plan wants a run file, or --foreign and a file of another trainer");
        if (g->file.empty()) plan_foreign(*f);
        else plan(*g, *d);
    });
}

void add_train(CLI::App& program) {
    auto const g       = std::make_shared<given>();
    auto const command = program.add_subcommand("train", "carries a run out, or goes on with it");
    add_run_options(*command, g)->required();
    command->add_flag("--dry-run", g->dry_run, "the same as plan");
    command->add_flag("--accept-changes", g->accept_changes, "goes on from a checkpoint although the recipe is another one");
    command->callback([g] { g->dry_run ? plan(*g) : carry_out(g->read(), {.accept_changes = g->accept_changes}); });
}

}  // namespace program
