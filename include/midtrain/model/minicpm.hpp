#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/model/llama.hpp>

namespace midtrain::inline MT_ABI::model {

/// MiniCPM's multipliers (arXiv 2404.06395, table 7): embedding by scale_emb, branches by scale_depth / sqrt(layers), and what stands before the
/// head by dim_model_base / width. model::llama computes them; transformers' Granite does, too, and as that they are exported.
template <int Layers, int Width>
struct minicpm_shape : decoder_shape {
    static constexpr int    layers = Layers, width = Width, context = 4096, end_token = 2;
    static constexpr double embedding_multiplier = 12, residual_multiplier = 1.4 / math::sqrt(double(Layers)), logits_multiplier = 256.0 / Width;
};
struct minicpm_1b : minicpm_shape<52, 1536> {
    static constexpr int heads = 24, kv_heads = 8, ffn = 3840, vocab = 73'440;
};
struct minicpm_2b : minicpm_shape<40, 2304> {
    static constexpr int heads = 36, kv_heads = 36, ffn = 5760, vocab = 122'753;
};

}  // namespace midtrain::inline MT_ABI::model
