#pragma once
#include <midtrain/model/llama.hpp>

namespace midtrain::inline MT_ABI::model {

/// Qwen3 (arXiv 2505.09388, table 1): a Llama whose queries and keys are normed by head, heads wider than width / heads, trained at a base of
/// a million. Its experts are in qwen_moe.hpp.
struct qwen3_shape : decoder_shape {
    static constexpr int    kv_heads = 8, head_size = 128, vocab = 151'936, context = 32'768, end_token = 151'643;
    static constexpr bool   qk_norm = true;
    static constexpr double norm_epsilon = 1e-6, rope_base = 1e6;
};
struct qwen3_600m : qwen3_shape {
    static constexpr int layers = 28, width = 1024, heads = 16, ffn = 3072;
};
struct qwen3_1b : qwen3_shape {
    static constexpr int layers = 28, width = 2048, heads = 16, ffn = 6144;
};
struct qwen3_4b : qwen3_shape {
    static constexpr int layers = 36, width = 2560, heads = 32, ffn = 9728;
};
struct qwen3_8b : qwen3_shape {
    static constexpr int  layers = 36, width = 4096, heads = 32, ffn = 12'288;
    static constexpr bool tied = false;
};
struct qwen3_14b : qwen3_shape {
    static constexpr int  layers = 40, width = 5120, heads = 40, ffn = 17'408;
    static constexpr bool tied = false;
};
struct qwen3_32b : qwen3_shape {
    static constexpr int  layers = 64, width = 5120, heads = 64, ffn = 25'600;
    static constexpr bool tied = false;
};

}  // namespace midtrain::inline MT_ABI::model
