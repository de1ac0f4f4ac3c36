#pragma once
#include <string>
#include <vector>
#include <midtrain/data/tokenizer_files.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/rotary_table.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/small_models.hpp>

namespace test {

/// Fits the tiny tokenizer; untrained, with weights large enough that its likelihoods differ.
struct choice_shape : small_shape {
    static constexpr int    vocab = 500, end_token = 0;
    static constexpr double deviation = 0.3;
};

/// The model of which tests/golden/choices.json holds lm-evaluation-harness's numbers.
struct choice_model {
    using model_type = midtrain::trainable<midtrain::host, midtrain::model::llama, choice_shape, midtrain::fp32>;

    midtrain::host               device{2};
    model_type                   model{device, {}};
    midtrain::rope               positions{.base = 10'000, .length = choice_shape::context};
    midtrain::data::byte_level_bpe tokenizer = midtrain::data::read_tokenizer(MIDTRAIN_SOURCE_DIR "/tests/golden/tiny_tokenizer.json");

    choice_model() {
        model.initialise(7);
        model.set_rotary(choice_shape::context, positions);
    }
};

inline std::vector<std::string> const choice_forms{"hellaswag", "arc", "winogrande", "piqa", "last_word"};

}  // namespace test
