#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <midtrain/io/hf_config_reader.hpp>
#include <midtrain/io/hf_rotary_reader.hpp>
#include <midtrain/io/hf_rotary_writer.hpp>
#include <midtrain/io/hf_shape.hpp>
#include <midtrain/io/json.hpp>

namespace midtrain::inline MT_ABI::io {

/// A family's words: one such value a file in io/hf_family/, all of them in io/hf_families.hpp. `read` fills a configuration from config.json,
/// with transformers' defaults for what is left out, and refuses by name what would change the mathematics and is not known. `write` adds to
/// an object what `read` finds there; what it has no words for it leaves out.
struct hf_words {
    hf_family        family;
    hf_model         model;
    std::string_view name;          ///< model_type
    std::string_view architecture;  ///< transformers' class, or that of the published code; empty: `written_as` is another that computes the same
    hf_keys          keys;
    void (*read)(detail::hf_reader const&, hf_config&);
    void (*write)(json::object&, hf_config const&, hf_rotary const&) = nullptr;
    std::optional<hf_family> written_as{};  ///< another family, but for a model with modules of multi-token prediction; none: itself
};

namespace detail {

/// What a family has where its config.json says nothing.
struct hf_defaults {
    int    context = 2048, end_token = 2;
    bool   tied = false;
    double norm_epsilon = 1e-6;
    int    kv_heads = 0;  ///< 0: as many as heads
    double deviation = 0.02;
};

/// The numbers that all families have.
inline void read_numbers(hf_reader const& r, hf_config& c, hf_keys const& key, hf_defaults const& usual) {
    c.layers       = r.whole(key.layers);
    c.width        = r.whole(key.width);
    c.heads        = r.whole(key.heads);
    c.vocab        = r.whole(key.vocab);
    c.context      = r.whole(key.context, usual.context);
    c.end_token    = r.first_token("eos_token_id", usual.end_token);
    c.tied         = r.flag("tie_word_embeddings", usual.tied);
    c.norm_epsilon = r.number(key.norm_epsilon, usual.norm_epsilon);
    c.deviation    = r.number("initializer_range", usual.deviation);
}
inline void require_whole_heads(hf_reader const& r, hf_config const& c, hf_keys const& key) {
    r.require(!r.absent("head_dim") || c.width % c.heads == 0, "'" + std::string(key.heads) + "' does not divide '" + std::string(key.width) + "'");
}
/// Those of Llama and its relatives.
inline void read_llama_numbers(hf_reader const& r, hf_config& c, hf_defaults const& usual, hf_keys const& key = llama_keys, int head_size = 0) {
    read_numbers(r, c, key, usual);
    if (head_size == 0) require_whole_heads(r, c, key);
    c.kv_heads  = r.whole(key.kv_heads, usual.kv_heads > 0 ? usual.kv_heads : c.heads);
    c.ffn       = r.whole(key.ffn);
    c.head_size = r.whole("head_dim", head_size > 0 ? head_size : c.width / c.heads);
    r.require(c.heads % c.kv_heads == 0, "'" + std::string(key.kv_heads) + "' does not divide '" + std::string(key.heads) + "'");
}
inline void require_activation(hf_reader const& r, std::string const& usual, std::string const& also = "") {
    auto const act = r.text("hidden_act", usual);
    r.require(act == usual || act == also, "'hidden_act' is '" + act + "'; midtrain's " + r.text("model_type", "") + " has " + usual);
}
/// Fields of other relatives of Llama; 1, false and null change nothing. `own`: what this family knows.
inline void refuse_strangers(hf_reader const& r, std::string_view own = "") {
    static constexpr std::string_view theirs[] = {"attn_logit_softcapping", "final_logit_softcapping", "logit_scale", "logits_scaling",
                                                  "attention_multiplier", "embedding_multiplier", "residual_multiplier", "scale_emb",
                                                  "scale_depth", "use_qk_norm", "qk_norm", "num_local_experts", "num_experts", "clip_qkv",
                                                  "mlp_bias", "no_rope_layers", "no_rope_layer_interval", "partial_rotary_factor"};
    for (auto const key : theirs) {
        if (own.find(key) != std::string_view::npos) continue;
        auto const v       = r.find(key);
        bool const nothing = r.absent(key) || (v->as<bool>() && !*v->as<bool>()) || (v->as<double>() && *v->as<double>() == 1);
        r.require(nothing, "'" + std::string(key) + "' changes the model in a way that midtrain's " + r.text("model_type", "") + " does not know");
    }
}
inline void refuse_windows(hf_reader const& r) {
    auto const kinds = r.find("layer_types");
    auto const list  = kinds ? kinds->as<json::array>() : nullptr;
    auto const type  = r.text("model_type", "");
    r.require(!r.flag("use_sliding_window", true) || r.absent("sliding_window"), "'sliding_window' is set: transformers' " + type + " has none");
    for (std::size_t n = 0; list && n < list->size(); ++n)
        r.require((*list)[n].as<std::string>() && *(*list)[n].as<std::string>() == "full_attention",
                  "'layer_types' has sliding attention: transformers' " + type + " has none");
}
/// Modules of multi-token prediction; none where nothing is said.
inline int modules_ahead(hf_reader const& r) {
    return r.absent("num_nextn_predict_layers") || r.number("num_nextn_predict_layers") == 0 ? 0 : r.whole("num_nextn_predict_layers");
}
/// Positions, and that longrope has a factor for each pair.
inline void read_positions(hf_reader const& r, hf_config& c, hf_rotary const& p) {
    c.rotary    = p;
    c.rope_base = p.base;
    auto const pairs = static_cast<int>(c.head_size * (p.type == "longrope" ? p.part : 1)) / 2;
    for (auto const& list : {p.long_factor, p.short_factor})
        r.require(p.type != "longrope" || static_cast<int>(list.size()) == pairs,
                  "longrope's lists have " + std::to_string(list.size()) + " factors where a head has " + std::to_string(pairs) + " pairs");
}

template <class T>
json number(T x) {
    return {static_cast<double>(x)};
}
/// Those of Llama and its relatives.
inline void write_llama_numbers(json::object& o, hf_config const& c, hf_rotary const& rotary, std::string const& activation = "silu",
                                hf_keys const& key = llama_keys) {
    check(rotary.context > 0, "config.json: a model that turns needs a context of at least one position");
    auto const put = [&](std::string_view name, double v) { o[std::string(name)] = number(v); };
    put(key.layers, c.layers), put(key.width, c.width), put(key.heads, c.heads), put(key.kv_heads, c.kv_heads), put(key.ffn, c.ffn);
    put(key.vocab, c.vocab), put(key.norm_epsilon, c.norm_epsilon), put(key.context, static_cast<double>(rotary.context));
    put("head_dim", c.head_size);
    o["hidden_act"]        = {activation};
    o["attention_dropout"] = number(0);
}

}  // namespace detail

}  // namespace midtrain::inline MT_ABI::io
