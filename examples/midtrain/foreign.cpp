// midtrain plan --foreign FILE: a run of another trainer, judged by our rules, and as a run file of ours.
#include "foreign.hpp"
#include <algorithm>
#include <cstdio>
#include <string>
#include <midtrain/core/error.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/io/toml_writer.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/foreign/lint.hpp>
#include <midtrain/train/foreign/read.hpp>
#include <midtrain/train/foreign/written.hpp>
#include "models.hpp"

namespace program {

void plan_foreign(foreign_settings const& s) {
    mt::foreign::options o{.steps = s.steps, .length = s.length, .ranks = s.ranks, .trained = {}};
    if (!s.model.empty()) {
        auto const files = open_model(s.model);
        if (mt::io::turns(files.shape.family)) o.trained = files.position();
    }
    auto run = mt::foreign::read_run_file(s.file, o);
    mt::foreign::lint(run, o);
    print(run, stdout);
    if (!s.run_file.empty()) {
        auto const        tree = mt::foreign::as_run_tree(run);
        std::string const head = "# A run of " + run.trainer + " in midtrain's words. Say where the model and the tokens lie.\n";
        mt::io::write_whole(s.run_file, s.run_file.ends_with(".json") ? mt::io::written(tree, 2) + "\n" : head + mt::io::written_toml(tree));
        std::printf("wrote %s\n", s.run_file.c_str());
    }
    auto const refused = std::count_if(run.findings.begin(), run.findings.end(),
                                       [](auto const& f) { return f.how == mt::foreign::severity::refused; });
    std::string const rules = refused == 1 ? " rule refuses" : " rules refuse";
    mt::check(refused == 0, [&] { return s.file + ": " + std::to_string(refused) + rules + " this run"; });
}

}  // namespace program
