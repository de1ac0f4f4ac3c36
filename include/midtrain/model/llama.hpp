#pragma once
#include <midtrain/model/decoder_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// The Llama family: RMSNorm, grouped-query attention with rope, SwiGLU; names as transformers' LlamaForCausalLM. With what the shape says
/// of biases, norms, windows, multipliers and layers that turn nothing also Mistral, Qwen2, Qwen3, SmolLM3, OLMo 2 and 3, Phi-3 and Granite.
struct llama : decoder_family<llama> {};

}  // namespace midtrain::inline MT_ABI::model
