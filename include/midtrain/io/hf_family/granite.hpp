#pragma once
#include <cmath>
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

/// Granite: multipliers of embedding, branches, scores and logits.
inline void read_granite(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {});
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r, "mlp_bias attention_multiplier embedding_multiplier residual_multiplier logits_scaling");
    detail::refuse_windows(r);
    c.qkv_bias = c.out_bias = r.flag("attention_bias", false);
    c.mlp_bias = r.flag("mlp_bias", false);
    c.embedding_multiplier = r.number("embedding_multiplier", 1);
    c.residual_multiplier  = r.number("residual_multiplier", 1);
    c.attention_multiplier = r.number("attention_multiplier", 1);
    c.logits_multiplier    = 1 / r.number("logits_scaling", 1);
    for (double const m : {c.embedding_multiplier, c.residual_multiplier, c.attention_multiplier, c.logits_multiplier})
        r.require(m > 0 && m < 1e30, "a multiplier is not above zero");
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4));
}
inline void write_granite(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary);
    check(c.head_size * c.heads == c.width, "config.json: Granite has heads of width / heads only");
    o["attention_bias"] = {c.qkv_bias}, o["mlp_bias"] = {c.mlp_bias};
    o["embedding_multiplier"] = {c.embedding_multiplier}, o["residual_multiplier"] = {c.residual_multiplier};
    o["attention_multiplier"] = {c.attention_multiplier > 0 ? c.attention_multiplier : 1 / std::sqrt(static_cast<double>(c.head_size))};
    o["logits_scaling"]       = {1 / c.logits_multiplier};
    add_hf_rotary(o, rotary);
}
inline constexpr hf_words granite{hf_family::granite, hf_model::llama, "granite", "GraniteForCausalLM", llama_keys, read_granite, write_granite};

/// MiniCPM's config.json, whose class is no part of transformers: Granite's multipliers under other names (arXiv 2404.06395, table 7).
inline void read_minicpm(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {.norm_epsilon = 1e-5});
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r, "scale_emb scale_depth");
    detail::refuse_windows(r);
    c.qkv_bias = c.out_bias = r.flag("attention_bias", false);
    c.embedding_multiplier = r.number("scale_emb", 1);
    c.residual_multiplier  = r.absent("scale_depth") ? 1 : r.number("scale_depth") / std::sqrt(static_cast<double>(c.layers));
    c.logits_multiplier    = r.absent("dim_model_base") ? 1 : r.number("dim_model_base") / c.width;
    for (double const m : {c.embedding_multiplier, c.residual_multiplier, c.logits_multiplier})
        r.require(m > 0 && m < 1e30, "'scale_emb', 'scale_depth' or 'dim_model_base' is not above zero");
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4));
}
inline constexpr hf_words minicpm{hf_family::minicpm, hf_model::llama, "minicpm", "", llama_keys, read_minicpm, nullptr, hf_family::granite};

}  // namespace midtrain::inline MT_ABI::io::hf
