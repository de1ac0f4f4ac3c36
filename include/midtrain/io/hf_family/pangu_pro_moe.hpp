#pragma once
#include <midtrain/io/hf_experts.hpp>

namespace midtrain::inline MT_ABI::io::hf {

/// Pangu Pro MoE's config.json, whose class is no part of transformers: as many groups as experts of a token, of each of which it takes one;
/// biases in attention; keys as vllm-ascend's pangu_moe.py reads them.
inline void read_pangu_pro_moe(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {.context = 32'768, .norm_epsilon = 1e-5});
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r, "num_experts");
    detail::refuse_windows(r);
    c.qkv_bias = c.out_bias = true;
    int const chosen = r.whole("num_experts_per_tok");
    c.experts = {.count = r.whole("num_experts"), .chosen = chosen, .ffn = r.whole("moe_intermediate_size"),
                 .shared_ffn = r.whole("shared_expert_intermediate_size"), .scaled = true, .grouping = expert_groups::each, .groups = chosen,
                 .naming = expert_naming::qwen};
    detail::read_dense_layers(r, c.experts);
    detail::read_balance(r, c.experts);
    detail::require_experts(r, c.experts);
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4));
}
inline constexpr hf_words pangu_pro_moe{hf_family::pangu_pro_moe, hf_model::experts, "PanguProMoE", "", llama_keys, read_pangu_pro_moe};

}  // namespace midtrain::inline MT_ABI::io::hf
