#pragma once
#include <midtrain/io/hf_experts.hpp>

namespace midtrain::inline MT_ABI::io::hf {

inline void read_mixtral(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {.context = 131'072, .norm_epsilon = 1e-5, .kv_heads = 8});
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r, "num_local_experts");
    if (!r.absent("sliding_window")) c.window = r.whole("sliding_window");
    r.require(r.number("router_jitter_noise", 0) == 0, "'router_jitter_noise' is not 0, which midtrain's model does not have");
    c.experts = {.count = r.whole("num_local_experts", 8), .chosen = r.whole("num_experts_per_tok", 2), .ffn = c.ffn, .renormalise = true,
                 .naming = expert_naming::mixtral};
    detail::read_balance(r, c.experts);
    detail::require_experts(r, c.experts);
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e6));
}
inline void write_mixtral(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary);
    check(layers_alike(c), "config.json: transformers' mixtral has one window for all layers");
    index_t const window      = c.layer(0).window;
    o["sliding_window"]       = window > 0 ? detail::number(window) : json{nullptr};
    o["intermediate_size"]    = detail::number(c.experts.ffn);
    o["num_local_experts"]    = detail::number(c.experts.count);
    o["num_experts_per_tok"]  = detail::number(c.experts.chosen);
    o["router_aux_loss_coef"] = {c.experts.balance.global_batch};
    add_hf_rotary(o, rotary);
}
inline constexpr hf_words mixtral{hf_family::mixtral, hf_model::experts, "mixtral", "MixtralForCausalLM", llama_keys, read_mixtral, write_mixtral};

}  // namespace midtrain::inline MT_ABI::io::hf
