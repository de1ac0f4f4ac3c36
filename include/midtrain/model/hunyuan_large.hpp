#pragma once
#include <midtrain/model/expert_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// Hunyuan-Large (arXiv 2411.02265, section 2.2): one routed expert a token beside a shared one, its weight the softmax of all; what an expert
/// has no room for goes elsewhere; queries and keys are normed by head after they turn. Names as its own modeling_hunyuan.py, which
/// transformers' HunYuanMoEV1ForCausalLM kept; there weights are renormalised.
struct hunyuan_large : expert_family<hunyuan_large> {
    static expert_names names() { return {.router = "gate.wg.weight", .shared = "shared_mlp."}; }
};

/// What its shapes have in common.
struct hunyuan_large_shape : decoder_shape {
    static constexpr bool                qk_norm      = true;
    static constexpr midtrain::norm_when qk_norm_when = norm_when::after_turning;
};

}  // namespace midtrain::inline MT_ABI::model
