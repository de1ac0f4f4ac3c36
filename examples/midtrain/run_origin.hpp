#pragma once
#include <string>

// What a run's folder remembers of where its model came from, for those who export a checkpoint of it later.
namespace program {

struct run_origin {
    std::string model;      ///< a folder or a .gguf file, as an absolute path
    std::string tokenizer;  ///< empty: the model's own
};

/// Writes `run.json` into a run's folder.
void write_run_origin(std::string const& folder, run_origin const& origin);

/// The origin of the run that a checkpoint belongs to; an empty one where no `run.json` stands beside it or one or two folders above.
run_origin find_run_origin(std::string const& checkpoint);

}  // namespace program
