#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/core/enum_names.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/io/hf_config_reader.hpp>
#include <midtrain/io/hf_rotary.hpp>
#include <midtrain/io/hf_rotary_reader.hpp>
#include <midtrain/io/json.hpp>
#include <midtrain/io/mapped_file.hpp>
#include <midtrain/problem/block_form.hpp>
#include <midtrain/problem/layer_kind.hpp>

namespace midtrain::inline MT_ABI::io {

/// The model classes of transformers whose config.json we read and write.
enum class hf_family { llama, gpt2, mistral, qwen2, qwen3, smollm3 };

/// Whether it is model::llama that computes it.
constexpr bool is_llama(hf_family f) { return f != hf_family::gpt2; }

/// What a config.json says, in the names of decoder_shape: it is a shape itself, whose numbers are known at run time only.
struct hf_config {
    std::string path;
    hf_family   family = hf_family::llama;
    int         layers = 0, width = 0, heads = 0, kv_heads = 0, head_size = 0, ffn = 0, vocab = 0, context = 0, end_token = 0, window = 0;
    bool        tied = false, qkv_bias = false, out_bias = false, mlp_bias = false, qk_norm = false, sinks = false, fused = false;
    bool        depth_scaled = true;
    midtrain::norm_over  qk_norm_over = norm_over::head;
    midtrain::norm_when  qk_norm_when = norm_when::before_turning;
    midtrain::norm_place norms        = norm_place::before;
    midtrain::norm_gain  gains        = norm_gain::plain;
    double      embedding_multiplier = 1, residual_multiplier = 1, logits_multiplier = 1, attention_multiplier = 0, window_rope_base = 0;
    double      norm_epsilon = 0, rope_base = 10'000, deviation = 0.02;
    hf_rotary   rotary{};  ///< of a llama
    std::vector<layer_kind> kinds{};  ///< of each layer; none: all turn and have `window`

    layer_kind layer(int n) const { return kinds.empty() ? layer_kind{positions::rotary, window} : kinds[static_cast<std::size_t>(n)]; }
};

/// The names under which a family's config.json keeps its numbers.
struct hf_keys {
    std::string_view layers, width, heads, kv_heads, ffn, vocab, context, norm_epsilon;
};
constexpr hf_keys hf_keys_of(hf_family family) {
    if (is_llama(family))
        return {"num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "intermediate_size", "vocab_size",
                "max_position_embeddings", "rms_norm_eps"};
    return {"n_layer", "n_embd", "n_head", "n_head", "n_inner", "vocab_size", "n_positions", "layer_norm_epsilon"};
}

namespace detail {

constexpr int default_context(hf_family f) {
    switch (f) {
        case hf_family::llama: return 2048;
        case hf_family::gpt2: return 1024;
        case hf_family::mistral: return 131'072;
        default: return 32'768;
    }
}

inline int default_kv_heads(hf_reader const& r, hf_config const& c) {
    switch (c.family) {
        case hf_family::llama: return c.heads;
        case hf_family::mistral: return 8;
        case hf_family::smollm3: return r.names("num_key_value_heads") ? c.heads : 4;
        default: return 32;
    }
}

inline void refuse_other_llamas(hf_reader const& r) {
    r.must_be("mlp_bias", false);
    auto const act = r.text("hidden_act", "silu");
    r.require(act == "silu" || act == "swish", "'hidden_act' is '" + act + "'; midtrain's llama has silu");
    r.require(r.number("partial_rotary_factor", 1) == 1, "'partial_rotary_factor' is not 1: part of a head would not turn");
    // Fields of Llama's relatives; 1, false and null change nothing.
    static constexpr std::string_view theirs[] = {"attn_logit_softcapping", "final_logit_softcapping", "logit_scale", "logits_scaling",
                                                  "attention_multiplier", "embedding_multiplier", "residual_multiplier", "scale_emb",
                                                  "scale_depth", "use_qk_norm", "qk_norm", "num_local_experts",
                                                  "num_experts", "clip_qkv"};
    for (auto const key : theirs) {
        auto const v       = r.find(key);
        bool const nothing = r.absent(key) || (v->as<bool>() && !*v->as<bool>()) || (v->as<double>() && *v->as<double>() == 1);
        r.require(nothing, "'" + std::string(key) + "' changes the model in a way that midtrain's llama does not know");
    }
    for (char const* key : {"no_rope_layers", "no_rope_layer_interval"})
        r.require(r.text("model_type", "") == "smollm3" || r.absent(key), "'" + std::string(key) + "' is SmolLM3's, and this is none");
}

/// Which layers turn nothing: SmolLM3 lists them, or has every fourth.
inline std::vector<bool> read_turning(hf_reader const& r, hf_config const& c) {
    std::vector<bool> turns(static_cast<std::size_t>(c.layers), true);
    if (c.family != hf_family::smollm3) return turns;
    auto const listed = r.find("no_rope_layers");
    int const  every  = r.whole("no_rope_layer_interval", 4);
    auto const list   = listed ? listed->as<json::array>() : nullptr;
    r.require(!listed || (list && list->size() >= turns.size()), "'no_rope_layers' is no list of a number for each layer");
    for (std::size_t n = 0; n < turns.size(); ++n) {
        auto const one = list ? (*list)[n].as<double>() : nullptr;
        r.require(!list || (one && (*one == 0 || *one == 1)), "'no_rope_layers' holds something else than 1, turn, and 0, do not");
        turns[n] = one ? *one == 1 : rotary_but_every(every, static_cast<int>(n)) == positions::rotary;
    }
    return turns;
}

/// Which layers see a window, as 'layer_types' says or as each family fills it.
inline std::vector<bool> read_sliding(hf_reader const& r, hf_config const& c, std::vector<bool> const& turns) {
    std::vector<bool> slides(turns.size(), c.family == hf_family::mistral);
    auto const        from = c.family == hf_family::smollm3 ? 0.0 : r.number("max_window_layers", 28);
    for (std::size_t n = 0; n < slides.size() && c.family != hf_family::mistral; ++n)
        slides[n] = c.family == hf_family::smollm3 ? !turns[n] : static_cast<double>(n) >= from;
    auto const listed = r.find("layer_types");
    auto const kinds  = listed ? listed->as<json::array>() : nullptr;
    r.require(!listed || (kinds && kinds->size() >= slides.size()), "'layer_types' is no list of a kind for each layer");
    for (std::size_t n = 0; kinds && n < slides.size(); ++n) {
        auto const kind = (*kinds)[n].as<std::string>();
        r.require(kind && (*kind == "full_attention" || *kind == "sliding_attention"),
                  "'layer_types' has another kind than full_attention and sliding_attention");
        slides[n] = *kind == "sliding_attention";
    }
    return slides;
}

/// The kind of each layer. Mistral has a window unless it is null, the others have one where it is used.
inline void read_layers(hf_reader const& r, hf_config& c) {
    auto const turns  = read_turning(r, c);
    auto const slides = read_sliding(r, c, turns);
    bool const any    = std::find(slides.begin(), slides.end(), true) != slides.end();
    bool const none   = r.names("sliding_window") && r.absent("sliding_window");
    bool const used   = c.family == hf_family::mistral ? !none : r.flag("use_sliding_window", c.family == hf_family::llama);
    if (c.family == hf_family::llama) {
        r.require(!used || r.absent("sliding_window"), "'sliding_window' is set: transformers' llama has none");
        r.require(r.absent("layer_types") || !any, "'layer_types' has sliding attention: transformers' llama has none");
        return;
    }
    bool const without = none || (c.family == hf_family::smollm3 && r.absent("sliding_window"));  // the others have 4096 by themselves
    if (used && any && !without) c.window = r.whole("sliding_window", 4096);
    for (std::size_t n = 0; n < turns.size(); ++n)
        c.kinds.push_back({turns[n] ? positions::rotary : positions::none, slides[n] ? c.window : 0});
    if (layers_alike(c) && c.kinds[0].how == positions::rotary) c.window = static_cast<int>(c.kinds[0].window), c.kinds.clear();
}

/// What Llama's relatives have beside it.
inline void read_relative(hf_reader const& r, hf_config& c) {
    bool const biased = r.flag("attention_bias", false);
    c.head_size = r.whole("head_dim", c.family == hf_family::qwen3 ? 128 : c.width / c.heads);
    c.qkv_bias  = c.family == hf_family::qwen2 || (c.family != hf_family::mistral && biased);
    c.out_bias  = c.qkv_bias && c.family != hf_family::qwen2;
    c.qk_norm   = c.family == hf_family::qwen3;
    read_layers(r, c);
}

inline void refuse_other_gpt2s(hf_reader const& r) {
    r.must_be("scale_attn_weights", true);
    r.must_be("scale_attn_by_inverse_layer_idx", false);
    r.must_be("add_cross_attention", false);
    auto const act = r.text("activation_function", "gelu_new");
    r.require(act == "gelu_new" || act == "gelu_pytorch_tanh",
              "'activation_function' is '" + act + "'; midtrain's gpt2 has gelu_new, the tanh form");
}

}  // namespace detail

/// Reads the config.json of a LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, SmolLM3ForCausalLM or
/// GPT2LMHeadModel. What is left
/// out has transformers' default; what would change the mathematics and is not known here is refused by name.
inline hf_config read_hf_config(std::string const& path) {
    mapped_file const file(path);
    auto const        all = parse_json({reinterpret_cast<char const*>(file.bytes().data()), file.bytes().size()}, path);
    detail::hf_reader const r(all, path);
    hf_config  c{.path = path};
    auto const type   = r.text("model_type", "");
    auto const family = enum_value<hf_family>(type);
    r.require(family.has_value(), "'model_type' is '" + type + "'; midtrain reads " + listed_enum<hf_family>(std::string()));
    c.family          = *family;
    bool const llama = is_llama(c.family), smol = c.family == hf_family::smollm3;
    r.require(r.absent("quantization_config"), "'quantization_config' is set: quantised weights are read from GGUF only");
    auto const key = hf_keys_of(c.family);
    c.layers       = r.whole(key.layers);
    c.width        = r.whole(key.width);
    c.heads        = r.whole(key.heads);
    r.require(!r.absent("head_dim") || c.family == hf_family::qwen3 || c.width % c.heads == 0,
              "'" + std::string(key.heads) + "' does not divide '" + std::string(key.width) + "'");
    c.kv_heads     = llama ? r.whole(key.kv_heads, detail::default_kv_heads(r, c)) : c.heads;
    c.ffn          = llama ? r.whole(key.ffn) : r.whole(key.ffn, 4 * c.width);
    c.vocab        = r.whole(key.vocab);
    c.context      = r.whole(key.context, detail::default_context(c.family));
    c.end_token    = r.first_token("eos_token_id", smol ? 128'001 : llama ? 2 : 50256);
    c.tied         = r.flag("tie_word_embeddings", !llama || smol);
    c.norm_epsilon = r.number(key.norm_epsilon, llama ? 1e-6 : 1e-5);
    c.deviation    = r.number("initializer_range", 0.02);
    r.require(c.heads % c.kv_heads == 0, "'" + std::string(key.kv_heads) + "' does not divide '" + std::string(key.heads) + "'");
    if (!llama) return detail::refuse_other_gpt2s(r), c;
    detail::refuse_other_llamas(r);
    detail::read_relative(r, c);
    c.rotary    = detail::read_hf_rotary(r, c.context, smol ? 2e6 : 1e4);
    c.rope_base = c.rotary.base;
    for (auto const& list : {c.rotary.long_factor, c.rotary.short_factor})
        r.require(c.rotary.type != "longrope" || static_cast<int>(list.size()) == c.head_size / 2,
                  "longrope's lists have " + std::to_string(list.size()) + " factors where a head has " + std::to_string(c.head_size / 2) + " pairs");
    return c;
}

/// Compares a config.json with a compiled shape, field by field: weights that do not fit, or that would compute something else, are
/// refused with the field's name, what the file says and what the shape has. Positions are compared by the next function.
template <class Shape>
void check_hf_shape(hf_config const& c, hf_family family, Shape const& s) {
    check(c.family == family, [&] {
        return c.path + ": 'model_type' is " + std::string(enum_name(c.family)) + " where the program has " +
               std::string(enum_name(family));
    });
    auto const key  = hf_keys_of(family);
    auto const same = [&](std::string_view name, double file, double shape, bool equal) {
        check(equal,
              [&] { return c.path + ": '" + std::string(name) + "' is " + written(file) + " where the shape has " + written(shape); });
    };
    auto const whole = [&](std::string_view name, int file, int shape) { same(name, file, shape, file == shape); };
    whole(key.layers, c.layers, s.layers);
    whole(key.width, c.width, s.width);
    whole(key.heads, c.heads, s.heads);
    if (is_llama(family)) {
        whole(key.kv_heads, c.kv_heads, s.kv_heads);
        whole("head_dim", c.head_size, s.head_size > 0 ? s.head_size : s.width / s.heads);
        for (int n = 0; n < s.layers; ++n) {
            auto const file = c.layer(n), shape = layer_of(s, n);
            same("sliding_window", static_cast<double>(file.window), static_cast<double>(shape.window), file.window == shape.window);
            check(file.how == shape.how, [&] {
                return c.path + ": layer " + std::to_string(n) + (file.how == positions::none ? " turns nothing" : " turns") +
                       " where the shape's " + (shape.how == positions::none ? "turns nothing" : "turns");
            });
        }
        same("attention_bias", c.qkv_bias, s.qkv_bias, c.qkv_bias == s.qkv_bias && c.out_bias == s.out_bias);
    } else whole(key.context, c.context, s.context);  // learned positions are weights
    whole(key.ffn, c.ffn, s.ffn);
    whole(key.vocab, c.vocab, s.vocab);
    check(c.tied == s.tied, [&] {
        return c.path + ": 'tie_word_embeddings' is " + (c.tied ? "true where the shape has false" : "false where the shape has true");
    });
    // As near as a float's rounding.
    same(key.norm_epsilon, c.norm_epsilon, s.norm_epsilon, std::abs(c.norm_epsilon - s.norm_epsilon) <= 1e-6 * s.norm_epsilon);
}

/// Compares the positions of a config.json with a policy: whether the weights were trained with it.
template <class Policy>
void check_hf_positions(hf_config const& c, Policy const& policy) {
    auto const want = hf_rotary_of(policy, c.head_size);
    auto const same = [&](char const* name, double file, double ours) {
        check(nearly(file, ours),
              [&] { return c.path + ": '" + name + "' is " + written(file) + " where the position policy has " + written(ours); });
    };
    check(c.rotary.type == want.type,
          [&] { return c.path + ": 'rope_type' is " + c.rotary.type + " where the position policy is " + want.type; });
    same("rope_theta", c.rotary.base, want.base);
    same("partial_rotary_factor", c.rotary.part, want.part);
    if (want.type == "default") return;
    same("factor", c.rotary.factor, want.factor);
    if (want.type == "dynamic") same("max_position_embeddings", static_cast<double>(c.rotary.context), static_cast<double>(want.context));
    same("original_max_position_embeddings", static_cast<double>(c.rotary.trained), static_cast<double>(want.trained));
    auto const key = hf_ramp_keys(want.type);
    same(key.fast, c.rotary.fast, want.fast);
    same(key.slow, c.rotary.slow, want.slow);
    same("attention_factor", hf_attention_factor(c.rotary), hf_attention_factor(want));
    same("truncate", c.rotary.truncate, want.truncate);
    auto const lists = [&](char const* name, std::vector<double> const& file, std::vector<double> const& ours) {
        same(name, static_cast<double>(file.size()), static_cast<double>(ours.size()));
        for (std::size_t i = 0; i < file.size(); ++i) same(name, file[i], ours[i]);
    };
    lists("long_factor", c.rotary.long_factor, want.long_factor);
    lists("short_factor", c.rotary.short_factor, want.short_factor);
}

}  // namespace midtrain::inline MT_ABI::io
