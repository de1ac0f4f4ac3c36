#pragma once
#include <midtrain/model/expert_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// Pangu Pro MoE (arXiv 2505.21411, section 2): experts in groups of equal size, of each of which a token takes the best; weights are the
/// softmax of all experts times a learned scale of each, and all tokens share an expert; projections of attention have biases. Names as in its
/// published modeling code.
struct pangu_pro_moe : expert_family<pangu_pro_moe> {
    static expert_names names() { return {.shared = "shared_expert."}; }
};

/// What its shapes have in common.
struct pangu_pro_moe_shape : decoder_shape {
    static constexpr bool qkv_bias = true, out_bias = true, tied = false;
};

}  // namespace midtrain::inline MT_ABI::model
