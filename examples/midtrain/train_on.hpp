#pragma once
#include <midtrain/data/any_tokens.hpp>
#include "models.hpp"
#include "run_file.hpp"

namespace program {

struct train_options {
    bool plan_only      = false;  ///< say what would be done
    bool accept_changes = false;  ///< go on from a checkpoint although the recipe is another one
};

/// Carries out a run with the model that its file names, on this machine. 0: done, or stopped by a signal with its state saved.
int carry_out(run_file const& run, train_options const& how);

/// The same recipe, but where the file says no position the model's own.
recipe_of<mt::any_average> with_positions(run_file const& run, model_files const& files);

/// Recipes of runs without an average of weights, and with one.
using plain_recipe    = recipe_of<mt::averaging::none>;
using averaged_recipe = recipe_of<mt::any_average>;

/// The same on a model. Defined for both recipes, each in a unit of its own (train_*.cpp), since the compiler has much to do for each.
template <class Average>
int train_with(host_model& model, run_file const& run, model_files const& files, train_options const& how, recipe_of<Average> const& recipe);

/// The token files of a run, with their scores.
mt::named_sources<mt::data::any_tokens> open_sources(run_file const& run, model_files const& files);

/// report.html of the run in that folder.
void write_report(std::string const& folder);

}  // namespace program
