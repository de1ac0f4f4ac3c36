#pragma once
#include <string>
#include <vector>
#include <midtrain/core/types.hpp>

namespace program {

/// Writes FOLDER/NAME.train.scores of each source beside FOLDER/NAME.train.tok: the mean loss of each document under the model, of which
/// `length` tokens are looked at.
void score_sources(std::string const& model, std::string const& folder, std::vector<std::string> const& names, midtrain::index_t length, int threads);

}  // namespace program
