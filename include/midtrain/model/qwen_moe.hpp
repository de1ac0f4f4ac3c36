#pragma once
#include <midtrain/model/expert_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// Qwen3-MoE (arXiv 2505.09388, section 2): Qwen3's attention, softmax of all experts, the chosen renormalised, none shared; the load is
/// balanced over the global batch. Names as transformers' Qwen3MoeForCausalLM. A whole one is
///     struct small : qwen3_moe_shape {
///         static constexpr int layers = 12, width = 512, heads = 8, kv_heads = 2, head_size = 64, ffn = 1536, vocab = 32'000;
///         static constexpr expert_shape experts{.count = 32, .chosen = 4, .ffn = 384, .renormalise = true,
///                                               .naming = expert_naming::qwen, .balance = {.global_batch = 1e-3}};
///     };
using qwen3_moe = expert_decoder;

struct qwen3_moe_shape : decoder_shape {
    static constexpr bool   qk_norm = true, tied = false;
    static constexpr double norm_epsilon = 1e-6;
};
/// The published ones (table 2): 30B and 235B, of which a token meets 3B and 22B.
template <int Layers, int Width, int Heads, int Ffn>
struct qwen3_128_experts : qwen3_moe_shape {
    static constexpr int          layers = Layers, width = Width, heads = Heads, kv_heads = 4, head_size = 128, ffn = 8 * Ffn, vocab = 151'936;
    static constexpr int          context = 32'768, end_token = 151'643;
    static constexpr double       rope_base = 1e6;
    static constexpr expert_shape experts{.count = 128, .chosen = 8, .ffn = Ffn, .renormalise = true, .naming = expert_naming::qwen,
                                          .balance = {.global_batch = 1e-3}};
};
using qwen3_30b_a3b   = qwen3_128_experts<48, 2048, 32, 768>;
using qwen3_235b_a22b = qwen3_128_experts<94, 4096, 64, 1536>;

/// Qwen2-MoE: weights are not renormalised, and beside the experts stands a shared one behind a gate; names as Qwen2MoeForCausalLM.
using qwen2_moe = expert_decoder;

struct qwen2_moe_shape : decoder_shape {
    static constexpr bool   qkv_bias = true, tied = false;
    static constexpr double norm_epsilon = 1e-6;
};

}  // namespace midtrain::inline MT_ABI::model
