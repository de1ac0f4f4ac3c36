// What `midtrain prepare --score MODEL` does after the tokens are there.
#include "score.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <midtrain/data/any_tokens.hpp>
#include <midtrain/data/document_scores.hpp>
#include <midtrain/train/score_documents.hpp>
#include "models.hpp"

namespace program {

namespace {

void score_one(host_model& model, std::string const& stem, std::int32_t end, mt::evaluate_options const& how) {
    auto const tokens = mt::data::open_tokens(stem + ".tok", {.vocabulary = model.shape().vocab});
    auto const scores = mt::score_documents(model, tokens, end, how);
    mt::data::write_scores(stem + ".scores", scores, tokens.tokens());
    std::vector<float> sorted;
    std::copy_if(scores.begin(), scores.end(), std::back_inserter(sorted), [](float x) { return !std::isnan(x); });
    std::sort(sorted.begin(), sorted.end());
    auto const at = [&](double share) { return sorted.empty() ? 0.0f : sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))]; };
    std::printf("wrote %s.scores: %zu documents, loss %.3f, %.3f, %.3f at the 10th, 50th and 90th of a hundred\n", stem.c_str(), scores.size(),
                static_cast<double>(at(.1)), static_cast<double>(at(.5)), static_cast<double>(at(.9)));
}

}  // namespace

void score_sources(std::string const& path, std::string const& folder, std::vector<std::string> const& names, mt::index_t length, int threads) {
    auto const files = open_model(path);
    mt::check(files.has_weights, [&] { return path + ": holds no weights to score with"; });
    auto const positions = files.position();
    mt::check(length >= 1 && length <= positions.context(), [&] {
        return "--score-length " + std::to_string(length) + ": the positions of " + path + " reach " + std::to_string(positions.context());
    });
    auto const    end = files.notes.end >= 0 ? files.notes.end : static_cast<std::int32_t>(files.shape.end_token);
    mt::host      device(threads);
    model_options how;
    how.compute = chosen_precision(how.compute, device);
    auto const model = read_model(device, files, how);
    model->set_rotary(length, positions);
    for (auto const& name : names) score_one(*model, folder + "/" + name + ".train", end, {.sequences = 8, .length = length});
}

}  // namespace program
