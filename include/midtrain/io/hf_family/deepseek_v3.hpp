#pragma once
#include <string>
#include <midtrain/io/hf_experts.hpp>

namespace midtrain::inline MT_ABI::io {

namespace detail {

/// Latent attention's numbers with transformers' defaults.
inline void read_latent(hf_reader const& r, hf_config& c) {
    c.head_size = r.whole("qk_rope_head_dim", 64);
    r.require(c.head_size % 2 == 0, "'qk_rope_head_dim' is odd");
    bool const direct = r.names("q_lora_rank") && r.absent("q_lora_rank");  // null: queries come from the residual stream
    c.latent = {.query_rank = direct ? 0 : r.whole("q_lora_rank", 1536), .rank = r.whole("kv_lora_rank", 512), .still = r.whole("qk_nope_head_dim", 128),
                .value_size = r.whole("v_head_dim", 128), .pairs_side_by_side = r.flag("rope_interleave", true)};
}
inline void write_latent(json::object& o, hf_config const& c) {
    auto const& m = c.latent;
    check(m.norm_epsilon == 1e-6, "config.json: transformers has 1e-6 in the norms of latents");
    o["qk_rope_head_dim"] = number(c.head_size);
    o["q_lora_rank"]      = m.query_rank > 0 ? number(m.query_rank) : json{nullptr};
    o["kv_lora_rank"]     = number(m.rank);
    o["qk_nope_head_dim"] = number(m.still);
    o["v_head_dim"]       = number(m.value_size);
    o["rope_interleave"]  = {m.pairs_side_by_side};
}

}  // namespace detail

namespace hf {

/// Latent attention, and experts chosen by sigmoid and bias behind the first layers. With both of yarn's mscale its temperature acts on the
/// scores. The weight of the sequence-wise balance loss is 'aux_loss_alpha', as in the published file, which transformers does not look at;
/// the speed of the biases is a recipe's, bias_speed. Modules of multi-token prediction are read where the file says that there are any.
inline void read_deepseek_v3(detail::hf_reader const& r, hf_config& c) {
    detail::read_numbers(r, c, llama_keys, {.context = 4096, .end_token = 1});
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r);
    detail::read_latent(r, c);
    c.ffn      = r.whole(llama_keys.ffn, 18'432);
    c.kv_heads = r.whole(llama_keys.kv_heads, c.heads);
    r.require(c.kv_heads == c.heads, "'num_key_value_heads' is not 'num_attention_heads': latent attention has as many");
    c.qkv_bias = c.out_bias = r.flag("attention_bias", false);
    c.depth_scaled          = false;
    auto const wants = [&](char const* key, std::string const& value) {
        r.require(r.text(key, value) == value, "'" + std::string(key) + "' is not '" + value + "': midtrain's deepseek_v3 has that");
    };
    wants("scoring_func", "sigmoid"), wants("topk_method", "noaux_tc");
    r.require(r.number("moe_layer_freq", 1) == 1, "'moe_layer_freq' is not 1");
    bool const none_dense = r.number("first_k_dense_replace", 3) == 0;
    int const ffn = r.whole("moe_intermediate_size", 2048), groups = r.whole("n_group", 8);
    c.experts = {.count = r.whole("n_routed_experts", 256), .chosen = r.whole("num_experts_per_tok", 8), .ffn = ffn,
                 .shared_ffn = r.whole("n_shared_experts", 1) * ffn, .scores = router_scores::sigmoid, .renormalise = r.flag("norm_topk_prob", true),
                 .scale = r.number("routed_scaling_factor", 2.5), .biased = true,
                 .grouping = groups > 1 ? expert_groups::best : expert_groups::none, .groups = groups, .top_groups = r.whole("topk_group", 4),
                 .first_dense = none_dense ? 0 : r.whole("first_k_dense_replace", 3), .naming = expert_naming::deepseek};
    if (groups == 1) c.experts.top_groups = 1;
    c.experts.balance.sequence = r.number("aux_loss_alpha", 0);
    r.require(c.experts.balance.sequence >= 0 && (c.experts.balance.sequence == 0 || r.flag("seq_aux", true)),
              "'aux_loss_alpha' is negative, or not of the loss within sequences");
    detail::require_experts(r, c.experts);
    c.mtp.depth = detail::modules_ahead(r);
    auto rotary = detail::read_hf_rotary(r, c.context, 1e4);
    r.require((rotary.mscale_all_dim == 0) || (rotary.mscale != 0 && rotary.attention_factor == 0),
              "yarn's 'mscale_all_dim' is set without 'mscale', or beside 'attention_factor'");
    if (rotary.mscale_all_dim != 0) rotary = rotary_on_scores(rotary);
    detail::read_positions(r, c, rotary);
}
inline void write_deepseek_v3(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    auto const& e   = c.experts;
    auto const  put = [&](char const* name, double v) { o[name] = detail::number(v); };
    detail::write_llama_numbers(o, c, rotary);
    detail::write_latent(o, c);
    check(e.ffn > 0 && e.shared_ffn % e.ffn == 0 && e.shared_ffn > 0, "config.json: DeepSeek-V3's shared expert is as wide as some of the others together");
    check(widest_window(c) == 0, "config.json: DeepSeek-V3 has no windows");
    check(!c.mtp.own_head, "config.json: DeepSeek-V3's modules of multi-token prediction share the head");
    put("num_key_value_heads", c.heads), put("n_routed_experts", e.count), put("num_experts_per_tok", e.chosen);
    put("moe_intermediate_size", e.ffn), put("n_shared_experts", e.shared_ffn / e.ffn), put("first_k_dense_replace", e.first_dense);
    put("n_group", e.groups), put("topk_group", e.top_groups), put("moe_layer_freq", 1), put("num_nextn_predict_layers", c.mtp.depth);
    o["routed_scaling_factor"] = {e.scale};
    o["aux_loss_alpha"]        = {e.balance.sequence};
    o["seq_aux"]               = {true};
    o["norm_topk_prob"]        = {e.renormalise};
    o["scoring_func"]          = {std::string("sigmoid")};
    o["topk_method"]           = {std::string("noaux_tc")};
    o["attention_bias"]        = {c.qkv_bias};
    add_hf_rotary(o, rotary.on_scores ? rotary_by_mscale(rotary) : rotary);
}
inline constexpr hf_words deepseek_v3{hf_family::deepseek_v3, hf_model::deepseek_v3, "deepseek_v3", "DeepseekV3ForCausalLM", llama_keys,
                                      read_deepseek_v3, write_deepseek_v3};

}  // namespace hf

}  // namespace midtrain::inline MT_ABI::io
