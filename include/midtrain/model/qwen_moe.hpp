#pragma once
#include <midtrain/model/expert_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// Qwen3-MoE (arXiv 2505.09388, section 2): Qwen3's attention, softmax of all experts, the chosen renormalised, none shared; the load is
/// balanced over the global batch. Names as transformers' Qwen3MoeForCausalLM.
struct qwen3_moe : expert_family<qwen3_moe> {};

/// Qwen2-MoE: not renormalised, and beside the experts a shared one behind a gate; names as transformers' Qwen2MoeForCausalLM.
struct qwen2_moe : expert_family<qwen2_moe> {
    static expert_names names() { return {.shared = "shared_expert."}; }
};

}  // namespace midtrain::inline MT_ABI::model
