#pragma once
#include <midtrain/model/llama.hpp>

namespace midtrain::inline MT_ABI::model {

/// What shapes of Phi-3 and Phi-4 have in common: Llama whose checkpoints keep queries, keys and values as one tensor, and gate and up.
/// model::llama computes them; transformers has Phi3ForCausalLM. Where a part of each head turns, positions are partial<rope>.
struct phi3_shape : decoder_shape {
    static constexpr bool fused = true, tied = false;
};
/// arXiv 2412.08905: trained at 4096, then stretched to 16384 with base 250000.
struct phi4_14b : phi3_shape {
    static constexpr int    layers = 40, width = 5120, heads = 40, kv_heads = 10, ffn = 17'920, vocab = 100'352, context = 16'384, end_token = 100'257;
    static constexpr double rope_base = 250'000;
};

}  // namespace midtrain::inline MT_ABI::model
