#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>
#include <midtrain/io/hf_rotary.hpp>
#include <midtrain/io/json_writer.hpp>
#include <midtrain/problem/block_form.hpp>
#include <midtrain/problem/expert_shape.hpp>
#include <midtrain/problem/latent_shape.hpp>
#include <midtrain/problem/layer_kind.hpp>
#include <midtrain/problem/mtp_shape.hpp>
#include <midtrain/problem/state_shape.hpp>

namespace midtrain::inline MT_ABI::io {

/// The families whose config.json we read, and write but for those that transformers has no class for.
enum class hf_family {
    llama, gpt2, mistral, qwen2, qwen3, smollm3, olmo, olmo2, olmo3, phi3, granite, nemotron, minicpm, mimo, mamba, mamba2, zamba,
    qwen3_moe, qwen2_moe, mixtral, hunyuan_v1_moe, pangu_pro_moe, deepseek_v3, hunyuan_v1_dense, hunyuan, gemma2
};

/// The model that computes a family: model::llama, model::gpt2, ...
enum class hf_model { llama, gpt2, olmo, nemotron, mamba, mamba2, zamba, experts, deepseek_v3, gemma };

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
    double      logits_cap = 0, attention_cap = 0;  ///< of the last logits, and of scores; 0: none
    double      norm_epsilon = 0, rope_base = 10'000, deviation = 0.02;
    hf_rotary   rotary{};  ///< of a model that turns
    std::vector<layer_kind> kinds{};    ///< of each layer; none: all turn and have `window`
    state_shape             state{};    ///< of a model with state spaces
    expert_shape            experts{};  ///< of a model that has any
    latent_shape            latent{};   ///< of a model with latent attention
    mtp_shape               mtp{};      ///< of a model with modules that predict tokens further on
    std::vector<bool>       hybrids{};  ///< Zamba's layers that have the shared block

    bool       hybrid(int n) const { return !hybrids.empty() && hybrids[static_cast<std::size_t>(n)]; }
    /// A module of multi-token prediction stands behind the layers and is as the last.
    layer_kind layer(int n) const {
        return kinds.empty() ? layer_kind{positions::rotary, window} : kinds[std::min(static_cast<std::size_t>(n), kinds.size() - 1)];
    }
};

/// A compiled shape's numbers, or those of one that is read already.
template <class Shape>
hf_config hf_config_of(Shape const& s) {
    static_assert(scores_stay<Shape>, "midtrain: config.json has no words for what this shape's scores(n) does to attention, and no model "
                                      "class that we write computes it: such a model is kept in our own checkpoints");
    if constexpr (requires { s.rotary; }) return s;
    else {
        hf_config c{.path = {}, .layers = s.layers, .width = s.width, .heads = s.heads, .kv_heads = s.kv_heads,
                    .head_size = s.head_size > 0 ? s.head_size : s.width / s.heads, .ffn = s.ffn, .vocab = s.vocab, .context = s.context,
                    .end_token = s.end_token, .tied = s.tied, .qkv_bias = s.qkv_bias, .out_bias = s.out_bias, .mlp_bias = s.mlp_bias,
                    .qk_norm = s.qk_norm, .sinks = s.sinks, .fused = s.fused, .depth_scaled = s.depth_scaled, .qk_norm_over = s.qk_norm_over,
                    .qk_norm_when = s.qk_norm_when, .norms = s.norms, .gains = s.gains, .embedding_multiplier = s.embedding_multiplier,
                    .residual_multiplier = s.residual_multiplier, .logits_multiplier = s.logits_multiplier,
                    .attention_multiplier = s.attention_multiplier, .window_rope_base = s.window_rope_base, .norm_epsilon = s.norm_epsilon,
                    .rope_base = s.rope_base, .deviation = s.deviation};
        if constexpr (requires { s.logits_cap; }) c.logits_cap = s.logits_cap;
        if constexpr (requires { s.attention_cap; }) c.attention_cap = s.attention_cap;
        for (int n = 0; n < s.layers; ++n) c.kinds.push_back(layer_of(s, n));
        if constexpr (requires { s.state; }) c.state = s.state, c.state.inner = inner_of(s), c.state.rank = step_rank_of(s);
        if constexpr (requires { s.experts; }) c.experts = s.experts;
        if constexpr (requires { s.latent; }) c.latent = s.latent;
        if constexpr (requires { s.mtp; }) c.mtp = s.mtp;
        if constexpr (requires { s.hybrid(0); })
            for (int n = 0; n < s.layers; ++n) c.hybrids.push_back(s.hybrid(n));
        return c;
    }
}

/// The names under which a family's config.json keeps its numbers; an empty one is not kept.
struct hf_keys {
    std::string_view layers, width, heads, kv_heads, ffn, vocab, context, norm_epsilon;
};
inline constexpr hf_keys llama_keys{"num_hidden_layers", "hidden_size", "num_attention_heads", "num_key_value_heads", "intermediate_size",
                                    "vocab_size", "max_position_embeddings", "rms_norm_eps"};

namespace detail {

/// Where state spaces differ.
inline std::string state_difference(hf_config const& file, hf_config const& shape) {
    std::string said;
    auto const  same = [&](char const* name, int a, int b) {
        if (said.empty() && a != b) said = std::string(name) + " is " + std::to_string(a) + " where the shape has " + std::to_string(b);
    };
    auto const &a = file.state, &b = shape.state;
    same("the number of states", a.states, b.states), same("the width of the convolution", a.taps, b.taps);
    same("the number of channels", a.inner, b.inner), same("the rank of the time step", a.rank, b.rank);
    same("the number of Mamba heads", a.heads, b.heads), same("the number of heads with a rate", a.rates, b.rates);
    same("a bias of the projections", a.bias, b.bias);
    same("a bias of the convolution", a.convolution_bias, b.convolution_bias);
    for (int n = 0; said.empty() && n < shape.layers; ++n)
        if (file.hybrid(n) != shape.hybrid(n)) said = "layer " + std::to_string(n) + " has the shared block in one of file and shape only";
    return said;
}

/// Where what a file says and a shape first differ, in words; empty if nowhere. Positions that a table turns are no part of it.
inline std::string hf_difference(hf_config const& file, hf_config const& shape, hf_keys const& key) {
    std::string said;
    auto const  same = [&](std::string_view name, double a, double b, bool equal) {
        if (said.empty() && !equal) said = "'" + std::string(name) + "' is " + written(a) + " where the shape has " + written(b);
    };
    auto const whole = [&](std::string_view name, auto a, auto b) { same(name, static_cast<double>(a), static_cast<double>(b), a == b); };
    auto const flag  = [&](std::string_view name, bool a, bool b) {
        if (said.empty() && a != b) said = "'" + std::string(name) + "' is " + (a ? "true where the shape has false" : "false where the shape has true");
    };
    // As near as a float's rounding.
    auto const number = [&](std::string_view name, double a, double b) { same(name, a, b, std::abs(a - b) <= 1e-6 * std::abs(b)); };
    auto const scale  = [](hf_config const& c) { return c.attention_multiplier > 0 ? c.attention_multiplier : 1 / std::sqrt(c.head_size); };
    whole(key.layers, file.layers, shape.layers);
    whole(key.width, file.width, shape.width);
    whole(key.heads, file.heads, shape.heads);
    if (said.empty()) said = state_difference(file, shape);
    if (key.kv_heads == key.heads) {  // a gpt2: learned positions are weights; or a mamba without any
        if (!key.context.empty()) whole(key.context, file.context, shape.context);
        whole(key.ffn, file.ffn, shape.ffn);
        whole(key.vocab, file.vocab, shape.vocab);
        flag("tie_word_embeddings", file.tied, shape.tied);
        number(key.norm_epsilon, file.norm_epsilon, shape.norm_epsilon);
        return said;
    }
    whole(key.kv_heads, file.kv_heads, shape.kv_heads);
    whole("head_dim", file.head_size, shape.head_size);
    for (int n = 0; said.empty() && n < shape.layers; ++n) {
        auto const a = file.layer(n), b = shape.layer(n);
        whole("sliding_window", a.window, b.window);
        if (said.empty() && a.how != b.how)
            said = "layer " + std::to_string(n) + (a.how == positions::none ? " turns nothing" : " turns") + " where the shape's " +
                   (b.how == positions::none ? "turns nothing" : "turns");
        auto const keys = [](layer_kind const& k) {
            return k.keys_from < 0 ? "makes its own keys and values"
                                   : "takes keys and values of layer " + std::to_string(k.keys_from) + (k.taken == key_form::turned ? ", turned" : ", projected");
        };
        if (said.empty() && keys(a) != keys(b)) said = "layer " + std::to_string(n) + " " + keys(a) + " where the shape's " + keys(b);
    }
    flag("attention_bias", file.qkv_bias, shape.qkv_bias);
    flag("bias of o_proj", file.out_bias, shape.out_bias);
    flag("mlp_bias", file.mlp_bias, shape.mlp_bias);
    flag("norm of queries and keys", file.qk_norm, shape.qk_norm);
    flag("norm of all queries", file.qk_norm && file.qk_norm_over == norm_over::all, shape.qk_norm && shape.qk_norm_over == norm_over::all);
    flag("norm behind the turning", file.qk_norm && file.qk_norm_when == norm_when::after_turning,
         shape.qk_norm && shape.qk_norm_when == norm_when::after_turning);
    flag("sinks", file.sinks, shape.sinks);
    flag("fused projections", file.fused, shape.fused);
    whole("place of norms", static_cast<int>(file.norms), static_cast<int>(shape.norms));
    whole("form of gains", static_cast<int>(file.gains), static_cast<int>(shape.gains));
    if (has_dense_layers(shape.experts)) whole(key.ffn, file.ffn, shape.ffn);
    whole(key.vocab, file.vocab, shape.vocab);
    flag("tie_word_embeddings", file.tied, shape.tied);
    number(key.norm_epsilon, file.norm_epsilon, shape.norm_epsilon);
    auto const &a = file.experts, &b = shape.experts;
    whole("num_experts", a.count, b.count);
    if (b.count > 0) {
        whole("num_experts_per_tok", a.chosen, b.chosen);
        whole("moe_intermediate_size", a.ffn, b.ffn);
        whole("shared_expert_intermediate_size", a.shared_ffn, b.shared_ffn);
        flag("gate of the shared expert", a.shared_gate, b.shared_gate);
        whole("scores of experts", static_cast<int>(a.scores), static_cast<int>(b.scores));
        flag("norm_topk_prob", a.renormalise, b.renormalise);
        number("routed_scaling_factor", a.scale, b.scale);
        flag("scale of each expert", a.scaled, b.scaled);
        flag("bias of the router", a.biased, b.biased);
        whole("form of groups", static_cast<int>(a.grouping), static_cast<int>(b.grouping));
        whole("groups of experts", a.groups, b.groups);
        whole("groups of a token", a.top_groups, b.top_groups);
        whole("dense layers", a.first_dense, b.first_dense);
        whole("decoder_sparse_step", a.every, b.every);
        whole("names of experts", static_cast<int>(a.naming), static_cast<int>(b.naming));
    }
    auto const &m = file.latent, &n = shape.latent;
    whole("kv_lora_rank", m.rank, n.rank);
    whole("q_lora_rank", m.query_rank, n.query_rank);
    whole("qk_nope_head_dim", m.still, n.still);
    whole("v_head_dim", m.value_size, n.value_size);
    flag("rope_interleave", m.pairs_side_by_side, n.pairs_side_by_side);
    number("epsilon of latents", m.norm_epsilon, n.norm_epsilon);
    whole("num_nextn_predict_layers", file.mtp.depth, shape.mtp.depth);
    whole("form of multi-token prediction", static_cast<int>(file.mtp.form), static_cast<int>(shape.mtp.form));
    flag("heads of multi-token prediction", file.mtp.own_head, shape.mtp.own_head);
    number("embedding_multiplier", file.embedding_multiplier, shape.embedding_multiplier);
    number("residual_multiplier", file.residual_multiplier, shape.residual_multiplier);
    number("multiplier of logits", file.logits_multiplier, shape.logits_multiplier);
    number("attention_multiplier", scale(file), scale(shape));
    number("rope_theta of windows", file.window_rope_base, shape.window_rope_base);
    number("attn_logit_softcapping", file.attention_cap, shape.attention_cap);
    number("final_logit_softcapping", file.logits_cap, shape.logits_cap);
    return said;
}

}  // namespace detail

}  // namespace midtrain::inline MT_ABI::io
