#pragma once
#include <midtrain/model/llama.hpp>

namespace midtrain::inline MT_ABI::model {

/// SmolLM2 (arXiv 2502.02737): Llamas with tied embeddings.
struct smollm2_shape : decoder_shape {
    static constexpr int    vocab = 49'152, context = 8192;
    static constexpr double rope_base = 130'000;
};
struct smollm2_1b : smollm2_shape {
    static constexpr int layers = 24, width = 2048, heads = 32, kv_heads = 32, ffn = 8192;
};

}  // namespace midtrain::inline MT_ABI::model
