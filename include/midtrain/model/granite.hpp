#pragma once
#include <midtrain/model/llama.hpp>

namespace midtrain::inline MT_ABI::model {

/// Granite is Llama with multipliers of embedding, branches, scores and logits (transformers' GraniteForCausalLM, whose logits_scaling divides:
/// logits_multiplier is one over it). These are those of granite-3.0-2b-base.
struct granite_3_2b : decoder_shape {
    static constexpr int    layers = 40, width = 2048, heads = 32, kv_heads = 8, ffn = 8192, vocab = 49'155, context = 4096;
    static constexpr double embedding_multiplier = 12, residual_multiplier = 0.22, attention_multiplier = 1.0 / 64, logits_multiplier = 1.0 / 8;
};

}  // namespace midtrain::inline MT_ABI::model
