#pragma once
#include <cstdint>
#include <limits>
#include <vector>
#include <midtrain/train/evaluate.hpp>

namespace midtrain::inline MT_ABI {

/// How hard each document is for a reference model: its mean loss a target, in nats, over the document's beginning as far as it is looked
/// at (evaluate_options); not a number where it has no target. What data::write_scores keeps for an order by score.
template <class Model, class Store>
std::vector<float> score_documents(Model& model, Store const& store, std::int32_t end_token, evaluate_options how = {}) {
    std::vector<float> scores;
    for (auto const& d : evaluate_documents(model, store, end_token, how))
        scores.push_back(d.targets > 0 ? static_cast<float>(d.loss / static_cast<double>(d.targets)) : std::numeric_limits<float>::quiet_NaN());
    return scores;
}

}  // namespace midtrain::inline MT_ABI
