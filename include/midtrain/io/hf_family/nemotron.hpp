#pragma once
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

inline constexpr hf_keys nemotron_keys{"num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "intermediate_size",
                                       "vocab_size", "max_position_embeddings", "norm_eps"};

/// Nemotron: LayerNorm with a gain about one, squared ReLU without a gate, half of each head turns unless it says otherwise.
inline void read_nemotron(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {.context = 4096, .end_token = 3, .norm_epsilon = 1e-5, .deviation = 0.0134}, nemotron_keys);
    detail::require_activation(r, "relu2");
    detail::refuse_strangers(r, "mlp_bias partial_rotary_factor");
    detail::refuse_windows(r);
    c.qkv_bias = c.out_bias = r.flag("attention_bias", false);
    c.mlp_bias = r.flag("mlp_bias", false);
    c.gains    = norm_gain::one_plus;
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4, 0.5));
}
inline void write_nemotron(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary, "relu2", nemotron_keys);
    o["attention_bias"] = {c.qkv_bias}, o["mlp_bias"] = {c.mlp_bias};
    add_hf_rotary(o, rotary, true);
}
inline constexpr hf_words nemotron{hf_family::nemotron, hf_model::nemotron, "nemotron", "NemotronForCausalLM", nemotron_keys, read_nemotron, write_nemotron};

}  // namespace midtrain::inline MT_ABI::io::hf
