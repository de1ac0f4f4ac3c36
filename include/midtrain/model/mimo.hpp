#pragma once
#include <midtrain/model/llama.hpp>

namespace midtrain::inline MT_ABI::model {

/// MiMo-7B without its layers for multi-token prediction: what transformers calls a Qwen2, with biases of queries, keys and values. Stretched from
/// 8192 to 32768 tokens with bases 10000 and 640000 (technical report, section 3).
struct mimo_7b : decoder_shape {
    static constexpr int    layers = 36, width = 4096, heads = 32, kv_heads = 8, ffn = 11'008, vocab = 151'680, context = 32'768;
    static constexpr bool   qkv_bias = true, tied = false;
    static constexpr double rope_base = 640'000;
};

}  // namespace midtrain::inline MT_ABI::model
