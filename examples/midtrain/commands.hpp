#pragma once
#include <CLI/CLI.hpp>

// The ready program `midtrain`: each command adds itself to the program, in a file of its own. What a user did wrong is a
// midtrain::error, which main() prints in one line before it ends with 2.
namespace program {

void add_plan(CLI::App& program);
void add_prepare(CLI::App& program);
void add_train(CLI::App& program);
void add_evaluate(CLI::App& program);
void add_average(CLI::App& program);
void add_convert(CLI::App& program);
void add_export(CLI::App& program);
void add_fit(CLI::App& program);
void add_longrope(CLI::App& program);
void add_report(CLI::App& program);
void add_search(CLI::App& program);
void add_inspect(CLI::App& program);

}  // namespace program
