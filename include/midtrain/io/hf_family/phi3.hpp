#pragma once
#include <midtrain/io/hf_layers.hpp>
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

/// Phi-3 and Phi-4: projections side by side in one tensor, and a part of each head may turn.
inline void read_phi3(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {.context = 4096, .end_token = 32'000, .norm_epsilon = 1e-5});
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r, "partial_rotary_factor");
    c.fused = true;
    if (!r.absent("sliding_window")) c.window = r.whole("sliding_window");
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4, 1.0, 4096));
    r.require(c.rotary.type == "default" || c.rotary.type == "longrope", "the rope_type is " + c.rotary.type + "; transformers' phi3 has default and longrope");
}
inline void write_phi3(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary);
    check(layers_alike(c), "config.json: transformers' phi3 has one window for all layers");
    check(c.head_size * c.heads == c.width, "config.json: Phi-3 has heads of width / heads only");
    check(rotary.type == "default" || rotary.type == "longrope",
          "config.json: transformers' phi3 has rope types default and longrope only, and the positions are " + rotary.type);
    index_t const window = c.layer(0).window;
    o["sliding_window"]  = window > 0 ? detail::number(window) : json{nullptr};
    add_hf_rotary(o, rotary, true);
}
inline constexpr hf_words phi3{hf_family::phi3, hf_model::llama, "phi3", "Phi3ForCausalLM", llama_keys, read_phi3, write_phi3};

}  // namespace midtrain::inline MT_ABI::io::hf
