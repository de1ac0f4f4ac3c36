#pragma once
#include <midtrain/io/hf_layers.hpp>
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

/// Layers that turn nothing: a list, or every fourth. Those have the window, where one is used.
inline void read_smollm3(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {.context = 32'768, .end_token = 128'001, .tied = true, .kv_heads = r.names("num_key_value_heads") ? 0 : 4});
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r, "mlp_bias no_rope_layers no_rope_layer_interval");
    c.qkv_bias = c.out_bias = r.flag("attention_bias", false);
    c.mlp_bias = r.flag("mlp_bias", false);
    std::vector<bool> turns(static_cast<std::size_t>(c.layers), true), stand;
    auto const        listed = r.find("no_rope_layers");
    int const         every  = r.whole("no_rope_layer_interval", 4);
    auto const        list   = listed ? listed->as<json::array>() : nullptr;
    r.require(!listed || (list && list->size() >= turns.size()), "'no_rope_layers' is no list of a number for each layer");
    for (std::size_t n = 0; n < turns.size(); ++n) {
        auto const one = list ? (*list)[n].as<double>() : nullptr;
        r.require(!list || (one && (*one == 0 || *one == 1)), "'no_rope_layers' holds something else than 1, turn, and 0, do not");
        turns[n] = one ? *one == 1 : rotary_but_every(every, static_cast<int>(n)) == positions::rotary;
        stand.push_back(!turns[n]);
    }
    detail::read_used_windows(r, c, turns, stand, false);
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 2e6));
}
inline void write_smollm3(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary);
    o["attention_bias"] = {c.qkv_bias}, o["mlp_bias"] = {c.mlp_bias};
    detail::write_windows(o, c);
    o["use_sliding_window"] = {widest_window(c) > 0};
    json::array turns;
    for (int n = 0; n < c.layers; ++n) turns.emplace_back().value = c.layer(n).how == positions::rotary ? 1.0 : 0.0;
    o["no_rope_layers"] = {turns};
    add_hf_rotary(o, rotary);
}
inline constexpr hf_words smollm3{hf_family::smollm3, hf_model::llama, "smollm3", "SmolLM3ForCausalLM", llama_keys, read_smollm3, write_smollm3};

}  // namespace midtrain::inline MT_ABI::io::hf
