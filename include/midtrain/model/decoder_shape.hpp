#pragma once
#include <midtrain/core/types.hpp>
#include <midtrain/problem/block_form.hpp>

namespace midtrain::inline MT_ABI {

/// The numbers of a decoder. Derive and set what differs; a shape read from a file has members of the same names. Where layers are not all
/// alike, add  static constexpr layer_kind layer(int n)  (problem/layer_kind.hpp) and  static constexpr soft_cap scores(int n)  or another
/// ScoreModifier.
struct decoder_shape {
    static constexpr int    layers = 1, width = 0, heads = 1, kv_heads = 1, ffn = 0, vocab = 0;
    static constexpr int    head_size    = 0;      ///< 0: width / heads
    static constexpr int    window       = 0;      ///< tokens that a query sees, itself among them; 0: its document
    static constexpr bool   qkv_bias     = false;  ///< queries, keys and values have one (Qwen2)
    static constexpr bool   out_bias     = false;  ///< the projection behind attention has one
    static constexpr bool   qk_norm      = false;  ///< queries and keys are normed, as the next two say
    static constexpr midtrain::norm_over qk_norm_over = norm_over::head;
    static constexpr midtrain::norm_when qk_norm_when = norm_when::before_turning;
    static constexpr bool   sinks        = false;  ///< each head has a learned logit beside its scores (gpt-oss)
    static constexpr bool   mlp_bias     = false;  ///< the projections of the MLP have one
    static constexpr bool   fused        = false;  ///< checkpoints keep q, k and v as one tensor, and gate and up (Phi-3)
    static constexpr midtrain::norm_place norms = norm_place::before;
    static constexpr midtrain::norm_gain  gains = norm_gain::plain;
    static constexpr double embedding_multiplier = 1, residual_multiplier = 1, logits_multiplier = 1;  ///< Granite, MiniCPM, muP
    static constexpr double logits_cap           = 0;    ///< the last logits are cap tanh(logit / cap) (Gemma 2); 0: as they are
    static constexpr double attention_multiplier = 0;    ///< what scores are multiplied by; 0: 1 / sqrt(head size)
    static constexpr double window_rope_base     = 0;    ///< layers with a window turn by plain rope of this base; 0: as the others do
    static constexpr int    context      = 2048;   ///< learned positions, and what config.json says
    static constexpr int    end_token    = 0;      ///< stands after each document
    static constexpr bool   tied         = true;   ///< the head is the embedding's table
    static constexpr double norm_epsilon = 1e-5;
    static constexpr double rope_base    = 10'000;
    static constexpr double deviation    = 0.02;   ///< of fresh weights
    static constexpr bool   depth_scaled = true;   ///< those that write to the residual stream begin smaller, by sqrt(2 layers) (GPT-2)
};

/// The width of one head.
template <class Shape>
constexpr int head_size_of(Shape const& s) {
    return s.head_size > 0 ? s.head_size : s.width / s.heads;
}

}  // namespace midtrain::inline MT_ABI
