// draw OUTPUT RUN...: the report on runs, as the program's command `report` draws it.
#include <cstdio>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/report_html.hpp>
#include <midtrain/train/run_folder.hpp>

int main(int argc, char** argv) try {
    midtrain::io::write_whole(argv[1], midtrain::draw_report(midtrain::read_runs(std::vector<std::string>(argv + 2, argv + argc))));
} catch (midtrain::error const& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
}
