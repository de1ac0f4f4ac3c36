#pragma once
#include <midtrain/model/expert_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// Pangu Pro MoE (arXiv 2505.21411, section 2): experts in groups of equal size, of each of which a token takes the best; weights are the
/// softmax of all experts times a learned scale of each, and all tokens share an expert; projections of attention have biases. Names as in
/// its published modeling code. A whole one is
///     struct small : pangu_pro_moe_shape {
///         static constexpr int layers = 8, width = 512, heads = 8, kv_heads = 2, ffn = 1344, vocab = 32'000;
///         static constexpr expert_shape experts{.count = 16, .chosen = 4, .ffn = 256, .shared_ffn = 1024, .scaled = true,
///                                               .grouping = expert_groups::each, .groups = 4, .naming = expert_naming::qwen,
///                                               .balance = {.micro_batch = 1e-2}};
///     };
using pangu_pro_moe = expert_decoder;

/// What its shapes have in common.
struct pangu_pro_moe_shape : decoder_shape {
    static constexpr bool qkv_bias = true, out_bias = true, tied = false;
};

}  // namespace midtrain::inline MT_ABI::model
