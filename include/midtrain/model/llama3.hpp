#pragma once
#include <midtrain/model/llama.hpp>

namespace midtrain::inline MT_ABI::model {

/// Llama 3.1 (arXiv 2407.21783, table 3). Its positions are llama3{.base = 500000, .trained = 8192, .extended = 131072, .factor = 8}.
struct llama3_shape : decoder_shape {
    static constexpr int    kv_heads = 8, vocab = 128'256, context = 131'072, end_token = 128'001;
    static constexpr bool   tied = false;
    static constexpr double rope_base = 500'000;
};
struct llama3_8b : llama3_shape {
    static constexpr int layers = 32, width = 4096, heads = 32, ffn = 14'336;
};
struct llama3_70b : llama3_shape {
    static constexpr int layers = 80, width = 8192, heads = 64, ffn = 28'672;
};
struct llama3_405b : llama3_shape {
    static constexpr int layers = 126, width = 16'384, heads = 128, ffn = 53'248;
};

}  // namespace midtrain::inline MT_ABI::model
