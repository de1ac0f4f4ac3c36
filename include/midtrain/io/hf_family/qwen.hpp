#pragma once
#include <midtrain/io/hf_layers.hpp>
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

inline void read_qwen(detail::hf_reader const& r, hf_config& c, int head_size) {
    detail::read_llama_numbers(r, c, {.context = 32'768, .kv_heads = 32}, llama_keys, head_size);
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r);
    std::vector<bool> slides;
    for (int n = 0; n < c.layers; ++n) slides.push_back(static_cast<double>(n) >= r.number("max_window_layers", 28));
    detail::read_used_windows(r, c, {}, slides, true);
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4));
}
inline void write_qwen(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary);
    o["max_window_layers"]  = detail::number(detail::write_windows(o, c));
    o["use_sliding_window"] = {widest_window(c) > 0};
    add_hf_rotary(o, rotary);
}

/// Biases of queries, keys and values.
inline void read_qwen2(detail::hf_reader const& r, hf_config& c) {
    read_qwen(r, c, 0);
    c.qkv_bias = true;
}
inline void write_qwen2(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    check(c.head_size * c.heads == c.width, "config.json: Qwen2 has heads of width / heads only");
    write_qwen(o, c, rotary);
}
/// Norms of heads, which have a size of their own.
inline void read_qwen3(detail::hf_reader const& r, hf_config& c) {
    read_qwen(r, c, 128);
    c.qkv_bias = c.out_bias = r.flag("attention_bias", false);
    c.qk_norm  = true;
}
inline void write_qwen3(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    write_qwen(o, c, rotary);
    o["attention_bias"] = {c.qkv_bias};
}

inline constexpr hf_words qwen2{hf_family::qwen2, hf_model::llama, "qwen2", "Qwen2ForCausalLM", llama_keys, read_qwen2, write_qwen2};
inline constexpr hf_words qwen3{hf_family::qwen3, hf_model::llama, "qwen3", "Qwen3ForCausalLM", llama_keys, read_qwen3, write_qwen3};
/// MiMo is a Qwen2 with modules of multi-token prediction, for which transformers has no class; without them it is written as a Qwen2.
inline void read_mimo(detail::hf_reader const& r, hf_config& c) {
    read_qwen2(r, c);
    c.mtp = {.depth = detail::modules_ahead(r), .form = mtp_form::mimo};
}
inline void write_mimo(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    check(c.mtp.form == mtp_form::mimo && !c.mtp.own_head, "config.json: MiMo's modules take the hidden state first, and share the head");
    write_qwen2(o, c, rotary);
    o["num_nextn_predict_layers"] = detail::number(c.mtp.depth);
}
inline constexpr hf_words mimo{hf_family::mimo, hf_model::llama, "mimo", "MiMoForCausalLM", llama_keys, read_mimo, write_mimo, hf_family::qwen2};

}  // namespace midtrain::inline MT_ABI::io::hf
