#pragma once
#include <midtrain/io/hf_experts.hpp>
#include <midtrain/io/hf_family/hunyuan.hpp>

namespace midtrain::inline MT_ABI::io::hf {

/// HunYuan-MoE (A13B): norms of heads behind the turning, a shared expert as wide as the others, weights that are renormalised.
inline void read_hunyuan_v1_moe(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {.norm_epsilon = 1e-5});
    detail::refuse_strangers(r, "num_experts use_qk_norm");
    detail::read_hunyuan_attention(r, c);
    r.must_be("use_qk_norm", true), r.must_be("use_cla", false);
    c.qk_norm = true;
    c.experts = {.count = detail::read_alike(r, "num_experts", 1), .chosen = detail::read_alike(r, "moe_topk", 1), .ffn = c.ffn,
                 .shared_ffn = c.ffn, .renormalise = true, .naming = expert_naming::hunyuan};
    detail::require_experts(r, c.experts);
    detail::read_hunyuan_positions(r, c);
}
inline void write_hunyuan_v1_moe(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary);
    o["intermediate_size"] = detail::number(c.experts.ffn);
    o["attention_bias"]    = {c.qkv_bias};
    o["use_qk_norm"]       = {true};
    o["num_experts"]       = detail::number(c.experts.count);
    o["moe_topk"]          = detail::number(c.experts.chosen);
    add_hf_rotary(o, rotary);
}
inline constexpr hf_words hunyuan_v1_moe{hf_family::hunyuan_v1_moe, hf_model::experts, "hunyuan_v1_moe", "HunYuanMoEV1ForCausalLM", llama_keys,
                                         read_hunyuan_v1_moe, write_hunyuan_v1_moe};

}  // namespace midtrain::inline MT_ABI::io::hf
