#pragma once
#include <string>
#include <midtrain/config.hpp>

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

}  // namespace midtrain::inline MT_ABI::model
