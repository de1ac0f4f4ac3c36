#pragma once
#include <midtrain/core/types.hpp>

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
    static constexpr bool   qk_norm      = false;  ///< queries and keys are normed by head (Qwen3)
    static constexpr int    context      = 2048;   ///< learned positions, and what config.json says
    static constexpr int    end_token    = 0;      ///< stands after each document
    static constexpr bool   tied         = true;   ///< the head is the embedding's table
    static constexpr double norm_epsilon = 1e-5;
    static constexpr double rope_base    = 10'000;
    static constexpr double deviation    = 0.02;   ///< of fresh weights
};

/// The width of one head.
template <class Shape>
constexpr int head_size_of(Shape const& s) {
    return s.head_size > 0 ? s.head_size : s.width / s.heads;
}

}  // namespace midtrain::inline MT_ABI
