#pragma once
#include <midtrain/io/hf_layers.hpp>
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

/// OLMo 1: LayerNorms that learn nothing, whose epsilon is no part of the file.
inline constexpr hf_keys olmo_keys{"num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "intermediate_size",
                                   "vocab_size", "max_position_embeddings", "layer_norm_eps"};
inline constexpr detail::hf_defaults olmo_defaults{.end_token = 50'279, .norm_epsilon = 1e-5};

inline void read_olmo_numbers(detail::hf_reader const& r, hf_config& c, hf_keys const& key) {
    detail::read_llama_numbers(r, c, olmo_defaults, key);
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r);
    c.qkv_bias = c.out_bias = r.flag("attention_bias", false);
    c.depth_scaled = false;
}
inline void read_olmo(detail::hf_reader const& r, hf_config& c) {
    read_olmo_numbers(r, c, olmo_keys);
    r.require(c.norm_epsilon == 1e-5, "'layer_norm_eps' is not 1e-5, which transformers' olmo has");
    detail::refuse_windows(r);
    c.gains = norm_gain::none;
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4));
}
inline void write_olmo(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary, "silu", olmo_keys);
    check(c.head_size * c.heads == c.width, "config.json: OLMo has heads of width / heads only");
    o["attention_bias"] = {c.qkv_bias};
    add_hf_rotary(o, rotary);
}

/// OLMo 2: norms behind the branches, and of all queries and all keys.
inline void read_olmo2_form(detail::hf_reader const& r, hf_config& c) {
    read_olmo_numbers(r, c, llama_keys);
    c.qk_norm      = true;
    c.qk_norm_over = norm_over::all;
    c.norms        = norm_place::after;
}
inline void read_olmo2(detail::hf_reader const& r, hf_config& c) {
    read_olmo2_form(r, c);
    detail::refuse_windows(r);
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4));
}
inline void write_olmo2(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary);
    o["attention_bias"] = {c.qkv_bias};
    add_hf_rotary(o, rotary);
}

/// OLMo 3: windows in three of four layers, which turn by plain rope whatever the others do.
inline constexpr double olmo3_base = 500'000;

inline void read_olmo3_positions(detail::hf_reader const& r, hf_config& c) {
    auto const now = r.find("rope_parameters");
    if (!now) {  // as published: transformers turns windows by 500000, whatever rope_theta is
        r.require(r.number("rope_theta", olmo3_base) == olmo3_base,
                  "'rope_theta' is not 500000, which transformers would ignore for windows; say both in 'rope_parameters'");
        c.window_rope_base = olmo3_base;
        return detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, olmo3_base));
    }
    auto const full = now->find("full_attention"), near = now->find("sliding_attention");
    r.require(full != nullptr, "'rope_parameters' has no 'full_attention': transformers ignores a flat table of an olmo3");
    auto const table = [&](char const* where, json const& v) {
        return detail::hf_rotary_table(r, where, v, olmo3_base, r.absent("original_max_position_embeddings") ? 0 : r.whole("original_max_position_embeddings"), c.context).whole();
    };
    auto const windows = near ? table("sliding_attention", *near) : hf_rotary{.base = olmo3_base};
    r.require(windows.type == "default", "'sliding_attention' is " + windows.type + "; midtrain turns windows by plain rope");
    c.window_rope_base = windows.base;
    detail::read_positions(r, c, table("full_attention", *full));
}
inline void read_olmo3(detail::hf_reader const& r, hf_config& c) {
    read_olmo2_form(r, c);
    std::vector<bool> slides;
    for (int n = 0; n < c.layers; ++n) slides.push_back(window_but_every(4, n, 1) > 0);
    if (!r.names("sliding_window") || !r.absent("sliding_window")) c.window = r.whole("sliding_window", 4096);
    detail::set_layers(c, {}, detail::read_sliding(r, slides));
    read_olmo3_positions(r, c);
}
inline void write_olmo3(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary);
    o["attention_bias"] = {c.qkv_bias};
    detail::write_windows(o, c);
    json::object both, windows, full = hf_rotary_json(rotary);
    full["rope_theta"]        = {rotary.base};
    windows["rope_type"]      = {std::string("default")};
    windows["rope_theta"]     = {c.window_rope_base};
    both["full_attention"]    = {full};
    both["sliding_attention"] = {windows};
    o["rope_parameters"]      = {both};
    check(rotary.part == 1, "config.json: transformers' olmo3 turns whole heads");
}

inline constexpr hf_words olmo{hf_family::olmo, hf_model::olmo, "olmo", "OlmoForCausalLM", olmo_keys, read_olmo, write_olmo};
inline constexpr hf_words olmo2{hf_family::olmo2, hf_model::llama, "olmo2", "Olmo2ForCausalLM", llama_keys, read_olmo2, write_olmo2};
inline constexpr hf_words olmo3{hf_family::olmo3, hf_model::llama, "olmo3", "Olmo3ForCausalLM", llama_keys, read_olmo3, write_olmo3};

}  // namespace midtrain::inline MT_ABI::io::hf
