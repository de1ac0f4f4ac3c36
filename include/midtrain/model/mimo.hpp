#pragma once
#include <midtrain/model/llama.hpp>

namespace midtrain::inline MT_ABI::model {

/// MiMo-7B (arXiv 2505.07608): what transformers calls a Qwen2, with biases of queries, keys and values, and a module that predicts one token
/// further. Stretched from 8192 to 32768 tokens with bases 10000 and 640000 (section 3).
struct mimo_7b : decoder_shape {
    static constexpr int    layers = 36, width = 4096, heads = 32, kv_heads = 8, ffn = 11'008, vocab = 151'680, context = 32'768;
    static constexpr bool   qkv_bias = true, tied = false;
    static constexpr double rope_base = 640'000;
    static constexpr mtp_shape mtp{.depth = 1, .form = mtp_form::mimo};
};

}  // namespace midtrain::inline MT_ABI::model
