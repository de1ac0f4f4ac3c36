#pragma once
#include <string>
#include <midtrain/data/byte_level_bpe.hpp>
#include "recipe.hpp"

// From text to token files.
namespace quick_start {

using corpus = sources<mt::data::token_file>;

/// All sources of a split, "train" or "held_out", as token files in the folder `tokens`; what is missing there is made from the texts.
corpus read_corpus(std::string const& cache, std::string const& split, std::string const& tokens, mt::data::byte_level_bpe const& tokenizer);

}  // namespace quick_start
