#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <midtrain/core/error.hpp>
#include <midtrain/io/hf_config.hpp>
#include <midtrain/io/hf_rotary.hpp>
#include <midtrain/io/hf_rotary_writer.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/problem/layer_kind.hpp>

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

template <class Shape>
void add_window(json::object& o, hf_family family, Shape const& s) {
    index_t const widest = widest_window(s);
    o["sliding_window"]  = widest > 0 ? number(widest) : json{nullptr};
    if (family == hf_family::mistral) return;
    o["use_sliding_window"] = {widest > 0};
    json::array kinds, turns;
    int         full = 0;  // layers before the first window
    for (int n = 0; n < s.layers; ++n) {
        auto const kind = layer_of(s, n);
        check(kind.window == 0 || kind.window == widest, "config.json: transformers has one width for all windows of a model");
        kinds.push_back({std::string(kind.window > 0 ? "sliding_attention" : "full_attention")});
        turns.push_back(number(kind.how == positions::rotary));
        if (kind.window == 0 && full == n) ++full;
    }
    o["layer_types"] = {kinds};
    if (family == hf_family::smollm3) o["no_rope_layers"] = {turns};
    else o["max_window_layers"] = number(full);
}

}  // namespace detail

/// The model class of transformers that computes what model::llama computes for a shape.
template <class Shape>
hf_family hf_family_of_llama(Shape const& s) {
    auto const is = [&](bool qkv, bool out, bool norm) { return s.qkv_bias == qkv && s.out_bias == out && s.qk_norm == norm; };
    bool turns = true;  // each layer
    for (int n = 0; n < s.layers; ++n) turns &= layer_of(s, n).how == positions::rotary;
    bool const plain = is(false, false, false), biased = is(true, true, false), windows = widest_window(s) > 0;
    if ((plain || biased) && turns && !windows) return hf_family::llama;
    if (plain && turns && layers_alike(s)) return hf_family::mistral;
    if (plain || biased) return hf_family::smollm3;
    check(turns, "config.json: no model class of transformers has layers that turn nothing beside these biases or norms");
    bool const qwen2 = is(true, false, false);
    check(qwen2 || is(false, false, true) || is(true, true, true),
          "config.json: no model class of transformers has these biases and norms together");
    check(!qwen2 || s.head_size == 0 || s.head_size * s.heads == s.width, "config.json: Qwen2 has heads of width / heads only");
    return qwen2 ? hf_family::qwen2 : hf_family::qwen3;
}

constexpr std::string_view hf_architecture(hf_family family) {
    switch (family) {
        case hf_family::gpt2: return "GPT2LMHeadModel";
        case hf_family::mistral: return "MistralForCausalLM";
        case hf_family::qwen2: return "Qwen2ForCausalLM";
        case hf_family::qwen3: return "Qwen3ForCausalLM";
        case hf_family::smollm3: return "SmolLM3ForCausalLM";
        default: return "LlamaForCausalLM";
    }
}

/// The config.json of a shape. `dtype`: float32, bfloat16. A gpt2 has learned positions and no use for `rotary`.
template <class Shape>
json hf_config_json(hf_family family, Shape const& s, hf_rotary const& rotary, hf_tokens const& tokens, std::string_view dtype) {
    static_assert(scores_stay<Shape>, "midtrain: config.json has no words for what this shape's scores(n) does to attention, and no model "
                                      "class that we write computes it: such a model is kept in our own checkpoints");
    using detail::number;
    bool const   llama = is_llama(family);
    auto const   key   = hf_keys_of(family);
    json::object o;
    o["architectures"]   = {json::array{json{std::string(hf_architecture(family))}}};
    o["model_type"]      = {std::string(enum_name(family))};
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
        put(key.kv_heads, s.kv_heads), put(key.context, static_cast<double>(rotary.context)),
            put("head_dim", s.head_size > 0 ? s.head_size : s.width / s.heads);
        o["hidden_act"]        = {std::string("silu")};
        o["attention_dropout"] = number(0);
        bool const smol = family == hf_family::smollm3;
        if (family == hf_family::llama || smol) o["mlp_bias"] = {false};
        if (family == hf_family::llama || family == hf_family::qwen3 || smol) o["attention_bias"] = {static_cast<bool>(s.qkv_bias)};
        if (family != hf_family::llama) detail::add_window(o, family, s);
        add_hf_rotary(o, rotary);
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
