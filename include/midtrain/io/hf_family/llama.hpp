#pragma once
#include <midtrain/io/hf_words.hpp>

namespace midtrain::inline MT_ABI::io::hf {

inline void read_llama(detail::hf_reader const& r, hf_config& c) {
    detail::read_llama_numbers(r, c, {});
    detail::require_activation(r, "silu", "swish");
    detail::refuse_strangers(r, "mlp_bias");
    detail::refuse_windows(r);
    c.qkv_bias = c.out_bias = r.flag("attention_bias", false);
    c.mlp_bias = r.flag("mlp_bias", false);
    detail::read_positions(r, c, detail::read_hf_rotary(r, c.context, 1e4));
}
inline void write_llama(json::object& o, hf_config const& c, hf_rotary const& rotary) {
    detail::write_llama_numbers(o, c, rotary);
    o["attention_bias"] = {c.qkv_bias}, o["mlp_bias"] = {c.mlp_bias};
    add_hf_rotary(o, rotary);
}
inline constexpr hf_words llama{hf_family::llama, hf_model::llama, "llama", "LlamaForCausalLM", llama_keys, read_llama, write_llama};

}  // namespace midtrain::inline MT_ABI::io::hf
