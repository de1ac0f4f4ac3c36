#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <midtrain/config.hpp>
#include <midtrain/io/pairing.hpp>

namespace midtrain::inline MT_ABI::io {

/// Names of tensors in Hugging Face's words and in GGUF's, for llama (Mistral bears that name too), qwen2, qwen3 and gpt2.
namespace detail {

using name_pair = std::pair<std::string_view, std::string_view>;

struct name_table {
    std::string_view front;  ///< of a layer, before its number
    name_pair        whole[6];  ///< unused ones are empty
    name_pair        layer[15];
};
inline constexpr name_table llama_names{
    "model.layers.",
    {{"model.embed_tokens.weight", "token_embd.weight"}, {"model.norm.weight", "output_norm.weight"}, {"lm_head.weight", "output.weight"}},
    {{".input_layernorm.weight", ".attn_norm.weight"},   {".post_attention_layernorm.weight", ".ffn_norm.weight"},
     {".self_attn.q_proj.weight", ".attn_q.weight"},     {".self_attn.k_proj.weight", ".attn_k.weight"},
     {".self_attn.v_proj.weight", ".attn_v.weight"},     {".self_attn.o_proj.weight", ".attn_output.weight"},
     {".self_attn.q_proj.bias", ".attn_q.bias"},         {".self_attn.k_proj.bias", ".attn_k.bias"},
     {".self_attn.v_proj.bias", ".attn_v.bias"},         {".self_attn.q_norm.weight", ".attn_q_norm.weight"},
     {".self_attn.k_norm.weight", ".attn_k_norm.weight"}, {".mlp.gate_proj.weight", ".ffn_gate.weight"},
     {".mlp.up_proj.weight", ".ffn_up.weight"},          {".mlp.down_proj.weight", ".ffn_down.weight"}}};
inline constexpr name_table gpt2_names{
    "transformer.h.",
    {{"transformer.wte.weight", "token_embd.weight"}, {"transformer.wpe.weight", "position_embd.weight"},
     {"transformer.ln_f.weight", "output_norm.weight"}, {"transformer.ln_f.bias", "output_norm.bias"}, {"lm_head.weight", "output.weight"}},
    {{".ln_1.weight", ".attn_norm.weight"},         {".ln_1.bias", ".attn_norm.bias"},
     {".attn.c_attn.weight", ".attn_qkv.weight"},   {".attn.c_attn.bias", ".attn_qkv.bias"},
     {".attn.c_proj.weight", ".attn_output.weight"}, {".attn.c_proj.bias", ".attn_output.bias"},
     {".ln_2.weight", ".ffn_norm.weight"},          {".ln_2.bias", ".ffn_norm.bias"},
     {".mlp.c_fc.weight", ".ffn_up.weight"},        {".mlp.c_fc.bias", ".ffn_up.bias"},
     {".mlp.c_proj.weight", ".ffn_down.weight"},    {".mlp.c_proj.bias", ".ffn_down.bias"}}};

/// A name in the other words, or nothing. `from` and `to` choose the side of each pair.
inline std::string renamed(std::string_view name, name_table const& table, std::string_view name_pair::*from,
                           std::string_view name_pair::*to, std::string_view front, std::string_view new_front) {
    for (auto const& pair : table.whole)
        if (!name.empty() && name == pair.*from) return std::string(pair.*to);
    if (!name.starts_with(front)) return {};
    name.remove_prefix(front.size());
    auto const digits = name.find_first_not_of("0123456789");
    if (digits == 0 || digits == name.npos) return {};
    for (auto const& pair : table.layer)
        if (name.substr(digits) == pair.*from) return std::string(new_front) + std::string(name.substr(0, digits)) + std::string(pair.*to);
    return {};
}

}  // namespace detail

/// Whether a GGUF of that architecture holds tensors whose names are known here.
constexpr bool gguf_knows(std::string_view architecture) {
    return architecture == "llama" || architecture == "qwen2" || architecture == "qwen3" || architecture == "gpt2";
}

/// GGUF's name of a tensor that Hugging Face names, or nothing.
inline std::string gguf_name(std::string_view hf_name, std::string_view architecture = "llama") {
    auto const& table = architecture == "gpt2" ? detail::gpt2_names : detail::llama_names;
    return detail::renamed(hf_name, table, &detail::name_pair::first, &detail::name_pair::second, table.front, "blk.");
}

/// Hugging Face's name of a tensor that GGUF names, or nothing.
inline std::string hf_name(std::string_view gguf_name, std::string_view architecture = "llama") {
    auto const& table = architecture == "gpt2" ? detail::gpt2_names : detail::llama_names;
    return detail::renamed(gguf_name, table, &detail::name_pair::second, &detail::name_pair::first, "blk.", table.front);
}

/// The row of Hugging Face's q or k that is row r of a llama's in GGUF, and the other way round. GGUF turns them for rotation of
/// neighbours: its row (head, 2 i + j) is row (head, j size / 2 + i), where size is a head's width (llama.cpp, convert_hf_to_gguf.py,
/// LlamaModel.permute). Other architectures are left as they are.
constexpr std::int64_t hf_row_of(std::int64_t r, std::int64_t size) { return half_split_row(r, size, size); }
constexpr std::int64_t gguf_row_of(std::int64_t r, std::int64_t size) { return interleaved_row(r, size, size); }

}  // namespace midtrain::inline MT_ABI::io
