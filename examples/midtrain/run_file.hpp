#pragma once
#include <cstdint>
#include <string>
#include <vector>
#include <midtrain/annealing/any_annealing.hpp>
#include <midtrain/annealing/any_scalar.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/mixture/any_mixture.hpp>
#include <midtrain/mixture/any_order.hpp>
#include <midtrain/optim/any_optimizer.hpp>
#include <midtrain/optim/by_role.hpp>
#include <midtrain/position/any_position.hpp>
#include <midtrain/train/any_average.hpp>
#include <midtrain/train/checkpoints.hpp>
#include <midtrain/train/faults.hpp>
#include <midtrain/train/needle.hpp>
#include <midtrain/train/noise_meter.hpp>
#include <midtrain/train/settings.hpp>
#include <midtrain/train/stage.hpp>
#include "models.hpp"

// A run as its file says it: a TOML (or JSON) file whose tables bear the names of the library's fields. See docs/run_file.md.
namespace program {

namespace mt = midtrain;


/// [model]
struct model_form {
    mt::required<std::string> from;        ///< a folder in Hugging Face's form, or a .gguf file
    bool                      fresh = false;  ///< new weights from `seed` instead of those in the folder, whose config.json alone is read
    precision                 compute   = precision::automatic;  ///< automatic, fp32, bf16, or bf16 with products of eight bits
    bool                      recompute = false;  ///< keep less for backward, and compute it again
    int                       threads   = 0;      ///< 0: as many as there are
    std::string               tokenizer{};        ///< a folder or .gguf, where it is not the model's own
    std::string               optimizer_state{};  ///< optimizer.pt of Hugging Face's Trainer: what AdamW remembers when the run begins
};

/// [[source]]
struct source_form {
    mt::required<mt::short_name> name;
    mt::required<std::string>    tokens;      ///< a token file in any form that data::open_tokens knows
    std::string                  held_out{};  ///< the same, for evaluation
    std::string                  scores{};    ///< a score a document, for an order by score
};

/// [[stage]]: the library's stage with policies that the file names.
using stage_form  = mt::stage<mt::any_mixture, mt::any_annealing, mt::any_position, mt::any_order>;

/// [watchdog]
struct watchdog_form {
    bool   on       = true;
    double times    = 20;     ///< multiples of the median step after which something is said
    double at_least = 60;     ///< seconds
    bool   abort    = false;  ///< end the program then
};

/// [[evaluate.task]]
struct task_form {
    mt::required<mt::short_name> name;
    mt::required<std::string>    items;      ///< JSONL of multiple choice, in a form that read_choice_items knows
    int                          shots = 0;  ///< answered items before each
    std::int64_t                 count = 0;  ///< items, from the first on; 0: all
};

/// [evaluate]: what is measured while the run goes on.
struct evaluate_form {
    std::int64_t           every_steps = 0;                     ///< 0: not by steps
    mt::tokens             every{};                             ///< 0: not by tokens
    bool                   at_start   = false;                  ///< also before the first step
    bool                   stage_ends = true;
    double                 share      = 0.2;                    ///< of the training's time; what would take more is left out
    mt::index_t            length     = 0;                      ///< of the sequences; 0: the longest of the stages', at most 1024, as far as all positions reach
    std::int64_t           documents  = 40;                     ///< held out, of each source; 0: all
    std::vector<task_form> task{};
    std::string            haystack{};                          ///< token file in whose text needles are hidden; none: no needles
    mt::needle_options     needle{};
    mt::index_t            rank_tokens = 0;                     ///< held out, over which the layers' effective ranks are taken; 0: none
};

/// What stands in the run's folder afterwards.
enum class exported { none, bf16, fp32 };

/// [output]
struct output_form {
    exported model       = exported::bf16;  ///< folder model/, in Hugging Face's form
    exported average     = exported::none;  ///< folder average/: the weights' average, where the run keeps one
    bool     report      = true;            ///< report.html
    bool     tensorboard = false;           ///< folder tensorboard/
};

/// The whole file.
struct run_form {
    mt::required<std::string>    folder;  ///< what the run writes
    mt::required<model_form>     model;
    std::vector<source_form>     source{};
    std::vector<stage_form>      stage{};
    mt::any_optimizer            optimizer{};
    double                       clip   = 1.0;
    double                       clip_block = 0;
    mt::any_scalar               z_loss = 0;
    std::uint64_t                seed   = 1;
    mt::any_average              average{};
    mt::any_scalar               decay_factor = 1;
    mt::by_role                  rates{};
    mt::any_scalar               bias_speed = 0;
    mt::any_scalar               balance_factor = 1;
    mt::any_scalar               mtp_weight = 0;
    mt::checkpoints::options     checkpoints{};
    mt::fault_policy             faults{};
    watchdog_form                watchdog{};
    evaluate_form                evaluate{};
    mt::noise_options            noise{};
    output_form                  output{};
};

/// What a recipe is here: with an average, or without one at no cost.
template <class Average>
using recipe_of = mt::recipe<mt::any_optimizer, mt::stage_list<stage_form>, Average, mt::any_scalar, mt::any_scalar, mt::by_role,
                             mt::any_scalar, mt::any_scalar, mt::any_scalar>;

struct run_file {
    std::string path;
    run_form    form;
    recipe_of<mt::any_average> recipe;
    std::vector<bool> own_position{};  ///< by stage: whether the file gives one, rather than the model

    std::vector<std::string> source_names() const;
};

/// Reads a run and makes the changes of `--set`. Keys that begin with a stage's name or optimizer, clip, clip_block, z_loss, seed, average,
/// decay_factor, rates, bias_speed, balance_factor and mtp_weight change the recipe, as in a compiled program; the others change the file's own tables.
/// Paths are taken from the file's folder.
run_file read_run_file(std::string const& path, mt::settings const& changes);

/// A TOML file as a tree of values; dates are refused. One whose name ends in .json is read as JSON.
mt::io::json read_tree(std::string const& path);

}  // namespace program
