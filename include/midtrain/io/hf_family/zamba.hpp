#pragma once
#include <string>
#include <midtrain/io/hf_state.hpp>
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

inline constexpr detail::hf_state_keys zamba_state_keys{"mamba_d_state", "mamba_d_conv", "mamba_expand", "mamba_dt_rank",
                                                        "mamba_conv_bias", "mamba_proj_bias", "hidden_mamba_act"};

/// Which layers have the shared block: a list says, or a period and an offset from the fourth layer on, and the third.
inline void read_hybrids(detail::hf_reader const& r, hf_config& c) {
    auto const listed = r.find("layers_block_type") ? r.find("layers_block_type") : r.find("layer_types");
    auto const list   = listed ? listed->as<json::array>() : nullptr;
    int const  period = r.whole("attn_layer_period", 6);
    auto const offset = r.number("attn_layer_offset", 4);
    r.require(!listed || (list && static_cast<int>(list->size()) == c.layers), "'layers_block_type' is no list of a kind for each layer");
    for (int n = 0; n < c.layers; ++n) {
        auto const kind = list ? (*list)[static_cast<std::size_t>(n)].as<std::string>() : nullptr;
        r.require(!list || (kind && (*kind == "mamba" || *kind == "linear_attention" || *kind == "hybrid")),
                  "'layers_block_type' has another kind than mamba, linear_attention and hybrid");
        c.hybrids.push_back(list ? *kind == "hybrid" : n == 2 || (n > 2 && (n - 3) % period == offset));
    }
}

inline void read_zamba(detail::hf_reader const& r, hf_config& c) {
    detail::read_numbers(r, c, llama_keys, {.context = 4096, .end_token = 2, .tied = true, .norm_epsilon = 1e-5});
    c.kv_heads = r.whole(llama_keys.kv_heads, 16);
    c.ffn      = r.whole(llama_keys.ffn);
    r.require(c.heads % c.kv_heads == 0, "'num_key_value_heads' does not divide 'num_attention_heads'");
    r.require(r.whole("attention_hidden_size", 2 * c.width) == 2 * c.width, "'attention_hidden_size' is not twice 'hidden_size'");
    r.require(!r.absent("attention_head_dim") || 2 * c.width % c.heads == 0, "'num_attention_heads' does not divide twice 'hidden_size'");
    c.head_size = r.whole("attention_head_dim", 2 * c.width / c.heads);
    detail::require_activation(r, "gelu");
    detail::read_state(r, c, zamba_state_keys);
    r.require(!c.state.bias, "'mamba_proj_bias' is true, which midtrain's zamba does not have");
    c.state.heads = r.whole("n_mamba_heads", 2);
    r.require(c.state.inner % c.state.heads == 0, "'n_mamba_heads' does not divide the channels of the state spaces");
    read_hybrids(r, c);
}
inline void write_zamba(json::object& o, hf_config const& c, hf_rotary const&) {
    auto const put = [&](std::string_view name, double v) { o[std::string(name)] = detail::number(v); };
    put(llama_keys.layers, c.layers), put(llama_keys.width, c.width), put(llama_keys.heads, c.heads), put(llama_keys.kv_heads, c.kv_heads);
    put(llama_keys.ffn, c.ffn), put(llama_keys.vocab, c.vocab), put(llama_keys.norm_epsilon, c.norm_epsilon);
    put(llama_keys.context, c.context), put("attention_hidden_size", 2 * c.width), put("attention_head_dim", c.head_size);
    put("n_mamba_heads", c.state.heads), put("attention_dropout", 0);
    o["hidden_act"] = {std::string("gelu")};
    json::array kinds;
    for (int n = 0; n < c.layers; ++n) kinds.push_back({std::string(c.hybrid(n) ? "hybrid" : "mamba")});
    o["layers_block_type"] = {kinds};
    detail::write_state(o, c, zamba_state_keys);
}
inline constexpr hf_words zamba{hf_family::zamba, hf_model::zamba, "zamba", "ZambaForCausalLM", llama_keys, read_zamba, write_zamba};

}  // namespace midtrain::inline MT_ABI::io::hf
