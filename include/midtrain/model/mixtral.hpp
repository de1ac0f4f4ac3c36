#pragma once
#include <midtrain/model/expert_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// Mixtral (arXiv 2401.04088, section 2.1): softmax of the chosen two of eight; names as transformers' MixtralForCausalLM.
struct mixtral : expert_family<mixtral> {
    static expert_names names() { return {.at = "block_sparse_moe.", .gate = "w1", .up = "w3", .down = "w2"}; }
};

}  // namespace midtrain::inline MT_ABI::model
