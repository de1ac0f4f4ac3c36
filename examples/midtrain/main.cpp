// The ready program: mid-training for those who bring a run file and no compiler. `midtrain --help` says what it can do.
#include <cstdio>
#include <exception>
#include <string>
#include <midtrain/version.hpp>
#include "commands.hpp"

int main(int argc, char** argv) try {
    CLI::App program("Mid-training of language models: mixtures, annealing, longer contexts.", "midtrain");
    program.require_subcommand(1);
    program.set_version_flag("--version", std::to_string(MT_VERSION_MAJOR) + "." + std::to_string(MT_VERSION_MINOR) + "." + std::to_string(MT_VERSION_PATCH));
    program::add_average(program);
    program::add_convert(program);
    program::add_evaluate(program);
    program::add_export(program);
    program::add_fit(program);
    program::add_inspect(program);
    program::add_plan(program);
    program::add_longrope(program);
    program::add_report(program);
    program::add_prepare(program);
    program::add_search(program);
    program::add_train(program);
    try {
        program.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        if (e.get_exit_code() == 0) return program.exit(e);  // --help, --version
        std::fprintf(stderr, "%s; --help says what there is\n", e.what());
        return 2;
    }
    return 0;
} catch (std::exception const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
}
