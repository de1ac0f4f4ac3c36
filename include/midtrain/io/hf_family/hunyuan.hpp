#pragma once
#include <string>
#include <midtrain/io/hf_experts.hpp>
#include <midtrain/position/ntk.hpp>

namespace midtrain::inline MT_ABI::io {

namespace detail {

/// Positions of Hunyuan's families: a table of type "dynamic" with 'alpha' is a base that is stretched once and for all, base
/// alpha^(d / (d - 2)), whatever else it holds (transformers, compute_ntk_alpha_rope_parameters). It is written as that base.
inline void read_hunyuan_positions(hf_reader const& r, hf_config& c) {
    auto const now = r.find("rope_parameters"), table = now ? now : r.find("rope_scaling");
    auto const alpha = table ? table->find("alpha") : nullptr;
    if (!alpha || alpha->as<std::nullptr_t>()) return read_positions(r, c, read_hf_rotary(r, c.context, 1e4));
    hf_reader const t(*table, r.path() + ": '" + (now ? "rope_parameters" : "rope_scaling") + "'");
    t.require(t.text("rope_type", t.text("type", "dynamic")) == "dynamic", "'alpha' is of the rope_type dynamic");
    double const base = t.number("rope_theta", r.number("rope_theta", 1e4)), by = t.number("alpha");
    t.require(base > 1 && base <= 1e300, "'rope_theta' is " + written(base) + ", not above 1");
    t.require(by >= 1 && by <= 1e9, "'alpha' is " + written(by) + ", not between 1 and a billion");
    r.require(c.head_size > 2, "heads of two values cannot be stretched by 'alpha'");
    read_positions(r, c, {.base = position::ntk_base(base, by, c.head_size), .context = c.context});
}
inline void read_hunyuan_attention(hf_reader const& r, hf_config& c) {
    require_activation(r, "silu", "swish");
    refuse_windows(r);
    c.qkv_bias = c.out_bias = r.flag("attention_bias", false);
    c.qk_norm_when          = norm_when::after_turning;
}

}  // namespace detail

namespace hf {

/// Dense Hunyuan (0.5B to 7B): norms of heads behind the turning.
inline void read_hunyuan_v1_dense(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {.norm_epsilon = 1e-5});
    detail::refuse_strangers(r, "use_qk_norm");
    detail::read_hunyuan_attention(r, c);
    r.must_be("use_qk_norm", true), r.must_be("use_cla", false);
    c.qk_norm = true;
    detail::read_hunyuan_positions(r, c);
}
inline void write_hunyuan_v1_dense(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary);
    o["attention_bias"] = {c.qkv_bias};
    o["use_qk_norm"]    = {true};
    add_hf_rotary(o, rotary);
}
inline constexpr hf_words hunyuan_v1_dense{hf_family::hunyuan_v1_dense, hf_model::llama, "hunyuan_v1_dense", "HunYuanDenseV1ForCausalLM",
                                           llama_keys, read_hunyuan_v1_dense, write_hunyuan_v1_dense};

/// Hunyuan-Large's config.json, whose class is no part of transformers: of each 'cla_share_factor' layers the first makes keys and values
/// where 'use_cla' says so, and a token has one expert, weighed by the softmax of all, beside the shared one; keys and defaults as
/// configuration_hunyuan.py. Later models of that name have more experts a token, weighed otherwise: hunyuan_v1_moe in transformers.
inline void read_hunyuan(detail::hf_reader const& r, hf_config& c) {
    int const head_size = r.absent("attention_head_dim") ? 0 : r.whole("attention_head_dim");
    detail::read_llama_numbers(r, c, {.norm_epsilon = 1e-5}, llama_keys, head_size);
    detail::refuse_strangers(r, "num_experts use_qk_norm mlp_bias");
    detail::read_hunyuan_attention(r, c);
    c.mlp_bias = r.flag("mlp_bias", false);
    c.qk_norm  = r.flag("use_qk_norm", false);
    for (auto const* other : {"use_mla", "mamba", "position_embedding_xdrope", "group_limited_greedy", "norm_topk_prob"})
        r.must_be(other, false);
    r.must_be("use_rotary_pos_emb", true);
    auto const norm = r.text("norm_type", "hf_rms");
    r.require(norm == "hf_rms" || norm == "rms" || norm == "fused", "'norm_type' is '" + norm + "'; midtrain's hunyuan has RMSNorm");
    r.require(r.number("routed_scaling_factor", 1) == 1, "'routed_scaling_factor' is not 1");
    if (r.flag("use_cla", false))
        for (int n = 0, every = r.whole("cla_share_factor", 1); n < c.layers; ++n)
            c.kinds.push_back({.keys_from = keys_of_group(every, n), .taken = key_form::projected});
    detail::read_hunyuan_positions(r, c);
    int const count = detail::read_alike(r, "num_experts", 1);
    if (count == 1) return;  // an MLP
    r.require(detail::read_alike(r, "moe_topk", 1) == 1,
              "'moe_topk' is above 1, which Hunyuan-Large does not have; transformers has such models as hunyuan_v1_moe");
    r.require(!c.mlp_bias, "'mlp_bias' is true, which midtrain's experts do not have");
    int const ffn = r.absent("moe_intermediate_size") ? c.ffn : detail::read_alike(r, "moe_intermediate_size", c.ffn);
    bool const recycles = r.flag("moe_drop_tokens", false) && r.flag("moe_random_routing_dropped_token", false);
    bool const dense    = !r.absent("moe_layer_num_skipped") && r.number("moe_layer_num_skipped") != 0;
    c.experts = {.count = count, .chosen = 1, .ffn = ffn,
                 .shared_ffn = r.flag("use_mixed_mlp_moe", false) ? ffn * detail::read_alike(r, "num_shared_expert", 1) : 0,
                 .first_dense = dense ? r.whole("moe_layer_num_skipped") : 0, .capacity = recycles ? 1.0 : 0.0,
                 .past = recycles ? overflow::recycle : overflow::drop_late, .naming = expert_naming::hunyuan};
    detail::require_experts(r, c.experts);
}
inline void write_hunyuan(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    auto const& e = c.experts;
    detail::write_llama_numbers(o, c, rotary);
    check(c.head_size * c.heads == c.width, "config.json: Hunyuan-Large has heads of width / heads only");
    check(e.count == 0 || e.shared_ffn % e.ffn == 0,
          "config.json: Hunyuan-Large's shared expert is as wide as some of the others together");
    int every = 1;
    while (every < c.layers && c.layer(every).keys_from >= 0) ++every;
    bool const recycles          = e.capacity > 0 && e.past == overflow::recycle;
    o["attention_bias"]          = {c.qkv_bias}, o["mlp_bias"] = {c.mlp_bias};
    o["use_qk_norm"]             = {c.qk_norm};
    o["use_cla"]                 = {every > 1};
    o["cla_share_factor"]        = detail::number(every);
    o["num_experts"]             = detail::number(e.count > 0 ? e.count : 1);
    o["moe_topk"]                = detail::number(e.chosen);
    o["moe_intermediate_size"]   = e.count > 0 ? detail::number(e.ffn) : json{nullptr};
    o["moe_layer_num_skipped"]   = detail::number(e.first_dense);
    o["use_mixed_mlp_moe"]       = {e.shared_ffn > 0};
    o["num_shared_expert"]       = detail::number(e.shared_ffn > 0 ? e.shared_ffn / e.ffn : 1);
    o["moe_drop_tokens"]         = {recycles}, o["moe_random_routing_dropped_token"] = {recycles};
    o["norm_type"]               = {std::string("hf_rms")};
    add_hf_rotary(o, rotary);
}
inline constexpr hf_words hunyuan{hf_family::hunyuan, hf_model::experts, "hunyuan", "HunYuanForCausalLM", llama_keys, read_hunyuan,
                                  write_hunyuan};

}  // namespace hf

}  // namespace midtrain::inline MT_ABI::io
