#pragma once
#include <midtrain/io/hf_experts.hpp>

namespace midtrain::inline MT_ABI::io::hf {

inline void read_qwen_moe(detail::hf_reader const& r, hf_config& c, int kv_heads, int experts, int chosen, int ffn) {
    detail::read_llama_numbers(r, c, {.context = 32'768, .kv_heads = kv_heads});
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r, "num_experts num_local_experts");
    r.require(!r.names("num_experts") || !r.names("num_local_experts") || r.whole("num_experts") == r.whole("num_local_experts"),
              "'num_experts' and 'num_local_experts' differ");
    auto const count = r.names("num_local_experts") ? "num_local_experts" : "num_experts";  // the newer word, and the published models'
    r.require(!r.flag("use_sliding_window", false), "'use_sliding_window' is set: midtrain's model has no windows here");
    auto& e = c.experts;
    e = {.count = r.whole(count, experts), .chosen = r.whole("num_experts_per_tok", chosen), .ffn = r.whole("moe_intermediate_size", ffn),
         .renormalise = r.flag("norm_topk_prob", false), .naming = expert_naming::qwen};
    detail::read_dense_layers(r, e);
    detail::read_balance(r, e);
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4));
}
inline void write_qwen_moe(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    auto const& e = c.experts;
    detail::write_llama_numbers(o, c, rotary);
    check(widest_window(c) == 0, "config.json: midtrain writes Qwen's mixtures of experts without windows");
    o["use_sliding_window"]  = {false};
    o["num_experts"]         = detail::number(e.count);
    o["num_experts_per_tok"] = detail::number(e.chosen);
    o["moe_intermediate_size"] = detail::number(e.ffn);
    o["norm_topk_prob"]        = {e.renormalise};
    o["router_aux_loss_coef"]  = {e.balance.global_batch};
    detail::write_dense_layers(o, e);
    add_hf_rotary(o, rotary);
}

/// Norms of heads, and no shared expert.
inline void read_qwen3_moe(detail::hf_reader const& r, hf_config& c) {
    read_qwen_moe(r, c, 4, 128, 8, 768);
    c.qkv_bias = c.out_bias = r.flag("attention_bias", false);
    c.qk_norm  = true;
    detail::require_experts(r, c.experts);
}
inline void write_qwen3_moe(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    write_qwen_moe(o, c, rotary);
    o["attention_bias"] = {c.qkv_bias};
}
/// Biases of queries, keys and values, and a shared expert behind a gate.
inline void read_qwen2_moe(detail::hf_reader const& r, hf_config& c) {
    read_qwen_moe(r, c, 16, 60, 4, 1408);
    c.qkv_bias               = r.flag("qkv_bias", true);
    c.experts.shared_ffn     = r.whole("shared_expert_intermediate_size", 5632);
    c.experts.shared_gate    = true;
    detail::require_experts(r, c.experts);
}
inline void write_qwen2_moe(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    check(c.head_size * c.heads == c.width, "config.json: Qwen2-MoE has heads of width / heads only");
    write_qwen_moe(o, c, rotary);
    o["qkv_bias"] = {c.qkv_bias};
    o["shared_expert_intermediate_size"] = detail::number(c.experts.shared_ffn);
}

inline constexpr hf_words qwen3_moe{hf_family::qwen3_moe, hf_model::experts, "qwen3_moe", "Qwen3MoeForCausalLM", llama_keys, read_qwen3_moe,
                                    write_qwen3_moe};
inline constexpr hf_words qwen2_moe{hf_family::qwen2_moe, hf_model::experts, "qwen2_moe", "Qwen2MoeForCausalLM", llama_keys, read_qwen2_moe,
                                    write_qwen2_moe};

}  // namespace midtrain::inline MT_ABI::io::hf
