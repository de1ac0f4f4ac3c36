#include <cstdio>
#include <string>
#include <utility>
#include <midtrain/data/any_tokens.hpp>
#include <midtrain/io/whole_file.hpp>
#include <midtrain/train/recipe.hpp>
#include <midtrain/train/report_html.hpp>
#include <midtrain/train/settings.hpp>
#include "evaluation_inputs.hpp"
#include "train_on.hpp"

// What does not depend on a model's type.
template std::string midtrain::written_settings<program::plain_recipe>(program::plain_recipe const&);
template std::string midtrain::written_settings<program::averaged_recipe>(program::averaged_recipe const&);
template midtrain::checked_recipe<program::plain_recipe, midtrain::io::hf_config> midtrain::judged(program::plain_recipe, midtrain::io::hf_config);
template midtrain::checked_recipe<program::averaged_recipe, midtrain::io::hf_config> midtrain::judged(program::averaged_recipe, midtrain::io::hf_config);

namespace program {

mt::named_sources<mt::data::any_tokens> open_sources(run_file const& run, model_files const& files) {
    mt::named_sources<mt::data::any_tokens> all;
    for (auto const& s : run.form.source) {
        auto of = mt::data::open_tokens(s.tokens, {.end_token = files.shape.end_token, .vocabulary = files.shape.vocab});
        if (!s.scores.empty()) of.score_with(mt::data::document_scores(s.scores));
        all.add(s.name.value, std::move(of));
    }
    return all;
}

void print_evaluation(mt::evaluation_record const& r) {
    std::string line = "step " + std::to_string(r.step) + ":";
    char        text[96];
    for (auto const& v : r.held_out) line += (std::snprintf(text, sizeof text, " %s %.4f", v.source.c_str(), v.loss.value), text);
    for (auto const& v : r.choice) line += (std::snprintf(text, sizeof text, " %s %.1f %%", v.task.c_str(), 100 * v.accuracy.value), text);
    double score = 0;
    for (auto const& v : r.needle) score += v.score / static_cast<double>(r.needle.size());
    if (!r.needle.empty()) line += (std::snprintf(text, sizeof text, " needles %.2f", score), text);
    std::fprintf(stderr, "\n%s\n", line.c_str());
}

void write_report(std::string const& folder) {
    auto const page = folder + "/report.html";
    mt::io::write_whole(page, mt::draw_report({mt::read_run(folder)}));
    std::printf("wrote %s\n", page.c_str());
}

}  // namespace program
