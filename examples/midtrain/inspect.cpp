// midtrain inspect PATH...: what a checkpoint, a run, a safetensors file or a GGUF file holds, and whether it is whole.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>
#include <midtrain/train/inspect.hpp>
#include "commands.hpp"

namespace program {

void add_inspect(CLI::App& program) {
    struct options {
        std::vector<std::string> paths;
        bool                     tensors = false;
    };
    auto const o = std::make_shared<options>();
    auto const c = program.add_subcommand("inspect", "Verify checkpoints and model files and say what they hold");
    c->add_option("paths", o->paths, "checkpoints, folders of runs or models, .safetensors or .gguf files")->required();
    c->add_flag("--tensors", o->tensors, "a line a tensor: type, shape, range, values that are not finite");
    c->callback([=] {
        std::size_t broken = 0;
        for (auto const& path : o->paths)
            for (auto const& i : midtrain::inspect(path)) {
                print(i, o->tensors, stdout);
                broken += i.problems.size();
            }
        midtrain::check(broken == 0, [&] { return std::to_string(broken) + (broken == 1 ? " thing is broken" : " things are broken"); });
    });
}

}  // namespace program
