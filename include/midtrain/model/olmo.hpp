#pragma once
#include <midtrain/model/decoder_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// OLMo 1 (arXiv 2402.00838, section 2.1): Llama with a LayerNorm that learns nothing; names as transformers' OlmoForCausalLM.
struct olmo : decoder_family<olmo> {
    using norm = layernorm;
};

struct olmo_shape : decoder_shape {
    static constexpr midtrain::norm_gain gains = norm_gain::none;
    static constexpr bool                tied  = false;
};

}  // namespace midtrain::inline MT_ABI::model
