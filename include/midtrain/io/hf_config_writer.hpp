#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/hf_rotary.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>

namespace midtrain::inline MT_ABI::io {

/// Tokens with a meaning, as config.json and generation_config.json name them; what is not there is null.
struct hf_tokens {
    std::optional<int> begin{}, end{}, pad{};
};

namespace detail {

template <class T>
json number(T x) {
    return {static_cast<double>(x)};
}
inline json token(std::optional<int> t) { return t ? number(*t) : json{nullptr}; }

/// rope_theta and rope_scaling, which all know, and rope_parameters, which transformers 5 writes.
inline void add_rotary(json::object& o, hf_rotary const& p) {
    json::object scaling{{"rope_type", {p.type}}};
    if (p.type != "default") scaling["factor"] = number(p.factor);
    if (p.type == "yarn") {
        scaling["original_max_position_embeddings"] = number(p.trained);
        scaling["beta_fast"]                        = number(p.fast);
        scaling["beta_slow"]                        = number(p.slow);
    }
    o["rope_theta"]       = number(p.base);
    o["rope_scaling"]     = p.type == "default" ? json{nullptr} : json{scaling};
    scaling["rope_theta"] = number(p.base);
    o["rope_parameters"]  = {scaling};
}

}  // namespace detail

/// The config.json of a shape. `dtype`: float32, bfloat16. A gpt2 has learned positions and no use for `rotary`.
template <class Shape>
json hf_config_json(hf_family family, Shape const& s, hf_rotary const& rotary, hf_tokens const& tokens, std::string_view dtype) {
    using detail::number;
    bool const   llama = family == hf_family::llama;
    auto const   key   = hf_keys_of(family);
    json::object o;
    o["architectures"]   = {json::array{json{std::string(llama ? "LlamaForCausalLM" : "GPT2LMHeadModel")}}};
    o["model_type"]      = {std::string(llama ? "llama" : "gpt2")};
    o["dtype"]           = {std::string(dtype)};
    o["torch_dtype"]     = {std::string(dtype)};  // before transformers 5
    o["bos_token_id"]    = detail::token(tokens.begin);
    o["eos_token_id"]    = detail::token(tokens.end);
    o["pad_token_id"]    = detail::token(tokens.pad);
    o["initializer_range"]   = number(s.deviation);
    o["tie_word_embeddings"] = {static_cast<bool>(s.tied)};
    o["use_cache"]           = {true};
    auto const put = [&](std::string_view name, double v) { o[std::string(name)] = number(v); };
    put(key.layers, s.layers), put(key.width, s.width), put(key.heads, s.heads), put(key.ffn, s.ffn), put(key.vocab, s.vocab);
    put(key.norm_epsilon, s.norm_epsilon);
    if (llama) {
        check(rotary.context > 0, "config.json: a llama needs a context of at least one position");
        put(key.kv_heads, s.kv_heads), put(key.context, static_cast<double>(rotary.context)), put("head_dim", s.width / s.heads);
        o["hidden_act"]        = {std::string("silu")};
        o["attention_bias"]    = {false};
        o["attention_dropout"] = number(0);
        o["mlp_bias"]          = {false};
        detail::add_rotary(o, rotary);
    } else {
        put(key.context, s.context);
        o["activation_function"] = {std::string("gelu_new")};
        for (char const* dropout : {"attn_pdrop", "embd_pdrop", "resid_pdrop"}) o[dropout] = number(0);
    }
    return {o};
}

/// The generation_config.json of a base model: where texts begin and end, and no taste of its own.
inline json hf_generation_json(hf_tokens const& tokens) {
    return {json::object{{"_from_model_config", {true}},
                         {"bos_token_id", detail::token(tokens.begin)},
                         {"eos_token_id", detail::token(tokens.end)},
                         {"pad_token_id", detail::token(tokens.pad)}}};
}

}  // namespace midtrain::inline MT_ABI::io
