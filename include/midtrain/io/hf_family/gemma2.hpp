#pragma once
#include <cmath>
#include <midtrain/io/hf_layers.hpp>
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

/// Gemma 2: norms on both sides of a branch, caps of scores and last logits, windows in every other layer.
inline void read_gemma2(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {.context = 8192, .end_token = 1, .tied = true, .kv_heads = 4}, llama_keys, 256);
    detail::refuse_strangers(r, "attn_logit_softcapping final_logit_softcapping");
    auto const act = r.text("hidden_activation", r.text("hidden_act", "gelu_pytorch_tanh"));
    r.require(act == "gelu_pytorch_tanh", "'hidden_activation' is '" + act + "'; midtrain's gemma2 has gelu_pytorch_tanh");
    r.must_be("use_bidirectional_attention", false);
    c.qkv_bias = c.out_bias = r.flag("attention_bias", false);
    c.norms                = norm_place::both;
    c.gains                = norm_gain::one_plus;
    c.embedding_multiplier = std::sqrt(static_cast<double>(c.width));
    c.attention_multiplier = 1 / std::sqrt(r.number("query_pre_attn_scalar", 256));
    c.attention_cap        = r.names("attn_logit_softcapping") && r.absent("attn_logit_softcapping") ? 0 : r.number("attn_logit_softcapping", 50);
    c.logits_cap           = r.names("final_logit_softcapping") && r.absent("final_logit_softcapping") ? 0 : r.number("final_logit_softcapping", 30);
    r.require(c.attention_multiplier > 0 && c.attention_multiplier < 1e30, "'query_pre_attn_scalar' is not above zero");
    r.require(c.attention_cap > 0, "'attn_logit_softcapping' is not above zero, which midtrain's gemma2 has");
    r.require(c.logits_cap >= 0, "'final_logit_softcapping' is below zero");
    std::vector<bool> slides;
    for (int n = 0; n < c.layers; ++n) slides.push_back(window_but_every(2, n, 1) > 0);
    if (!r.names("sliding_window") || !r.absent("sliding_window")) c.window = r.whole("sliding_window", 4096);
    detail::set_layers(c, {}, detail::read_sliding(r, slides));
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4));
}
inline void write_gemma2(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary, "gelu_pytorch_tanh");
    double const scalar = c.attention_multiplier > 0 ? 1 / (c.attention_multiplier * c.attention_multiplier) : c.head_size;
    check(nearly(scalar, std::round(scalar)), "config.json: Gemma 2 multiplies scores by 1 / the root of a whole number");
    o["hidden_activation"]       = {std::string("gelu_pytorch_tanh")};
    o["attention_bias"]          = {c.qkv_bias};
    o["query_pre_attn_scalar"]   = detail::number(std::round(scalar));
    o["attn_logit_softcapping"]  = json{c.attention_cap, true};  // transformers takes no whole numbers here
    o["final_logit_softcapping"] = c.logits_cap > 0 ? json{c.logits_cap, true} : json{nullptr};
    detail::write_windows(o, c);
    add_hf_rotary(o, rotary);
}
inline constexpr hf_words gemma2{hf_family::gemma2, hf_model::gemma, "gemma2", "Gemma2ForCausalLM", llama_keys, read_gemma2, write_gemma2};

}  // namespace midtrain::inline MT_ABI::io::hf
