#pragma once
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// The numbers of a decoder. Derive and set what differs; a shape read from a file has members of the same names.
struct decoder_shape {
    static constexpr int    layers = 1, width = 0, heads = 1, kv_heads = 1, ffn = 0, vocab = 0;
    static constexpr int    context      = 2048;   ///< learned positions, and what config.json says
    static constexpr int    end_token    = 0;      ///< stands after each document
    static constexpr bool   tied         = true;   ///< the head is the embedding's table
    static constexpr double norm_epsilon = 1e-5;
    static constexpr double rope_base    = 10'000;
    static constexpr double deviation    = 0.02;   ///< of fresh weights
};

}  // namespace midtrain::inline MT_ABI
