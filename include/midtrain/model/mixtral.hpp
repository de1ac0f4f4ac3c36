#pragma once
#include <midtrain/model/expert_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// Mixtral (arXiv 2401.04088, section 2.1): softmax of the chosen two of eight; names as transformers' MixtralForCausalLM. A whole one is
///     struct small : mixtral_shape {
///         static constexpr int layers = 8, width = 512, heads = 8, kv_heads = 2, ffn = 1024, vocab = 32'000;
///         static constexpr expert_shape experts{.count = 8, .chosen = 2, .ffn = 1024, .renormalise = true,
///                                               .naming = expert_naming::mixtral};
///     };
using mixtral = expert_decoder;

struct mixtral_shape : decoder_shape {
    static constexpr bool   tied = false;
    static constexpr double rope_base = 1e6;
};

}  // namespace midtrain::inline MT_ABI::model
