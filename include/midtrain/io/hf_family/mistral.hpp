#pragma once
#include <midtrain/io/hf_layers.hpp>
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

/// It has a window unless that is null.
inline void read_mistral(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {.context = 131'072, .kv_heads = 8});
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r);
    std::vector<bool> const all(static_cast<std::size_t>(c.layers), true);
    bool const              none = r.names("sliding_window") && r.absent("sliding_window");
    if (!none) c.window = r.whole("sliding_window", 4096);
    detail::set_layers(c, {}, detail::read_sliding(r, all));
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4));
}
inline void write_mistral(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary);
    check(layers_alike(c), "config.json: transformers' mistral has one window for all layers");
    index_t const window = c.layer(0).window;
    o["sliding_window"]  = window > 0 ? detail::number(window) : json{nullptr};
    add_hf_rotary(o, rotary);
}
inline constexpr hf_words mistral{hf_family::mistral, hf_model::llama, "mistral", "MistralForCausalLM", llama_keys, read_mistral, write_mistral};

}  // namespace midtrain::inline MT_ABI::io::hf
