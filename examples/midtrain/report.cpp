// midtrain report RUN...: a page on one run, or on several side by side.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/report_html.hpp>
#include "commands.hpp"

namespace program {

void add_report(CLI::App& program) {
    struct options {
        std::vector<std::string> runs;
        std::string              out, title;
    };
    auto const o = std::make_shared<options>();
    auto const c = program.add_subcommand("report", "Draw a run, or several side by side, as one HTML file");
    c->add_option("runs", o->runs, "folders of runs, each with its metrics.jsonl")->required();
    c->add_option("--out", o->out, "the file; of one run report.html in its folder, of several report.html here");
    c->add_option("--title", o->title, "what stands above");
    c->callback([=] {
        auto const path = !o->out.empty() ? o->out : o->runs.size() == 1 ? (std::filesystem::path(o->runs[0]) / "report.html").string() : "report.html";
        midtrain::io::write_whole(path, midtrain::draw_report(midtrain::read_runs(o->runs), o->title));
        std::printf("%s\n", path.c_str());
    });
}

}  // namespace program
