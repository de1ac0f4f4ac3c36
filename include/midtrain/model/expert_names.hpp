#pragma once
#include <string>
#include <midtrain/problem/expert_shape.hpp>

namespace midtrain::inline MT_ABI::model {

/// What checkpoints call the parts of a mixture of experts, behind "model.layers.n."; expert e has `at + expert + e + "." + gate + ".weight"`
/// and so on. As they stand: DeepSeek-V3's.
struct expert_names {
    std::string at          = "mlp.";
    std::string router      = "gate.weight";
    std::string bias        = "gate.e_score_correction_bias";
    std::string scale       = "router_scale";
    std::string expert      = "experts.";
    std::string shared      = "shared_experts.";
    std::string shared_gate = "shared_expert_gate.weight";
    std::string gate        = "gate_proj";
    std::string up          = "up_proj";
    std::string down        = "down_proj";
};

/// As transformers has them in DeepSeek-V3, in Qwen2-MoE and Qwen3-MoE (and Pangu Pro MoE in its own code), in Mixtral, and in HunYuan-MoE.
inline expert_names expert_names_of(expert_naming naming) {
    switch (naming) {
        case expert_naming::qwen: return {.shared = "shared_expert."};
        case expert_naming::mixtral: return {.at = "block_sparse_moe.", .gate = "w1", .up = "w3", .down = "w2"};
        case expert_naming::hunyuan: return {.router = "gate.wg.weight", .shared = "shared_mlp."};
        default: return {};
    }
}

}  // namespace midtrain::inline MT_ABI::model
