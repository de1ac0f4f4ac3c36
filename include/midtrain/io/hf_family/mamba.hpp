#pragma once
#include <midtrain/io/hf_state.hpp>
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

/// Without attention, positions and an MLP.
inline constexpr hf_keys mamba_keys{"num_hidden_layers", "hidden_size", "", "", "", "vocab_size", "", "layer_norm_epsilon"};
inline constexpr detail::hf_state_keys mamba_state_keys{"state_size", "conv_kernel", "expand", "time_step_rank",
                                                        "use_conv_bias", "use_bias", "hidden_act"};

/// All but the state spaces.
inline void read_mamba_numbers(detail::hf_reader const& r, hf_config& c, bool tied) {
    c.layers       = r.whole(mamba_keys.layers);
    c.width        = r.whole(mamba_keys.width);
    c.vocab        = r.whole(mamba_keys.vocab);
    c.heads = c.kv_heads = 1;
    c.head_size          = c.width;
    c.context            = 1 << 20;  // nothing in the model ends
    c.end_token          = r.first_token("eos_token_id", 0);
    c.tied               = r.flag("tie_word_embeddings", tied);
    c.norm_epsilon       = r.number(mamba_keys.norm_epsilon, 1e-5);
    c.deviation          = r.number("initializer_range", 0.1);
}
inline void write_mamba_numbers(json::object& o, hf_config const& c) {
    auto const put = [&](std::string_view name, double v) { o[std::string(name)] = detail::number(v); };
    put(mamba_keys.layers, c.layers), put(mamba_keys.width, c.width), put(mamba_keys.vocab, c.vocab);
    put(mamba_keys.norm_epsilon, c.norm_epsilon);
}

inline void read_mamba(detail::hf_reader const& r, hf_config& c) {
    read_mamba_numbers(r, c, true);
    detail::read_state(r, c, mamba_state_keys);
    c.state.step_scale = r.number("time_step_scale", 1);
}
inline void write_mamba(json::object& o, hf_config const& c, hf_rotary const&) {
    write_mamba_numbers(o, c);
    o["time_step_scale"] = detail::number(detail::not_whole(c.state.step_scale));
    detail::write_state(o, c, mamba_state_keys);
}
inline constexpr hf_words mamba{hf_family::mamba, hf_model::mamba, "mamba", "MambaForCausalLM", mamba_keys, read_mamba, write_mamba};

}  // namespace midtrain::inline MT_ABI::io::hf
