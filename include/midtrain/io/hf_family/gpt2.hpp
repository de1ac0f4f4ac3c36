#pragma once
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

inline constexpr hf_keys gpt2_keys{"n_layer", "n_embd", "n_head", "n_head", "n_inner", "vocab_size", "n_positions", "layer_norm_epsilon"};

inline void read_gpt2(detail::hf_reader const& r, hf_config& c) {
    detail::read_numbers(r, c, gpt2_keys, {.context = 1024, .end_token = 50256, .tied = true, .norm_epsilon = 1e-5});
    detail::require_whole_heads(r, c, gpt2_keys);
    c.kv_heads  = c.heads;
    c.head_size = c.width / c.heads;
    c.ffn       = r.whole(gpt2_keys.ffn, 4 * c.width);
    r.must_be("scale_attn_weights", true);
    r.must_be("scale_attn_by_inverse_layer_idx", false);
    r.must_be("add_cross_attention", false);
    auto const act = r.text("activation_function", "gelu_new");
    r.require(act == "gelu_new" || act == "gelu_pytorch_tanh",
              "'activation_function' is '" + act + "'; midtrain's gpt2 has gelu_new, the tanh form");
}
/// It has learned positions and no use for rotary ones.
inline void write_gpt2(json::object& o, hf_config const& c, hf_rotary const&) {
    auto const put = [&](std::string_view name, double v) { o[std::string(name)] = detail::number(v); };
    put("n_layer", c.layers), put("n_embd", c.width), put("n_head", c.heads), put("n_inner", c.ffn), put("vocab_size", c.vocab);
    put("layer_norm_epsilon", c.norm_epsilon), put("n_positions", c.context);
    o["activation_function"] = {std::string("gelu_new")};
    for (char const* dropout : {"attn_pdrop", "embd_pdrop", "resid_pdrop"}) o[dropout] = detail::number(0);
}
inline constexpr hf_words gpt2{hf_family::gpt2, hf_model::gpt2, "gpt2", "GPT2LMHeadModel", gpt2_keys, read_gpt2, write_gpt2};

}  // namespace midtrain::inline MT_ABI::io::hf
