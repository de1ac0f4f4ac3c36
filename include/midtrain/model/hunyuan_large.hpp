#pragma once
#include <midtrain/model/expert_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// Hunyuan-Large (arXiv 2411.02265, section 2.2): one routed expert a token beside a shared one, its weight the softmax of all; what an expert
/// has no room for goes elsewhere; queries and keys are normed by head after they turn; of two layers the second takes keys and values of the
/// first. Names as its own modeling_hunyuan.py. A whole one is
///     struct small : hunyuan_large_shape {
///         static constexpr int layers = 8, width = 640, heads = 8, kv_heads = 1, ffn = 1830, vocab = 32'000;
///         static constexpr expert_shape experts{.count = 16, .chosen = 1, .ffn = 1830, .shared_ffn = 1830, .capacity = 1,
///                                               .past = overflow::recycle, .naming = expert_naming::hunyuan,
///                                               .balance = {.micro_batch = 1e-2}};
///     };
using hunyuan_large = expert_decoder;

/// HunYuan-MoE (A13B), which transformers calls HunYuanMoEV1ForCausalLM: the same names, weights that are renormalised, and each layer has keys
/// and values of its own.
struct hunyuan_moe_shape : decoder_shape {
    static constexpr bool                qk_norm      = true;
    static constexpr midtrain::norm_when qk_norm_when = norm_when::after_turning;
};
/// What Hunyuan-Large's shapes have in common. A reader norms and turns by itself what the layer before it has projected.
struct hunyuan_large_shape : hunyuan_moe_shape {
    static constexpr midtrain::layer_kind layer(int n) { return {.keys_from = keys_of_group(2, n), .taken = key_form::projected}; }
};
/// The published one (table 1): 389 billion weights, of which a token meets 52.
struct hunyuan_large_389b : hunyuan_large_shape {
    static constexpr int          layers = 64, width = 6400, heads = 80, kv_heads = 8, ffn = 18'304, vocab = 129'024, context = 32'768;
    static constexpr expert_shape experts{.count = 16, .chosen = 1, .ffn = 18'304, .shared_ffn = 18'304, .capacity = 1,
                                          .past = overflow::recycle, .naming = expert_naming::hunyuan};
};

}  // namespace midtrain::inline MT_ABI::model
