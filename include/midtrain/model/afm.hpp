#pragma once
#include <midtrain/model/llama.hpp>

namespace midtrain::inline MT_ABI::model {

/// Apple's foundation models (AFM; arXiv 2407.21075, section 2): tied embeddings, few heads of keys, norms of heads, SwiGLU, base 500000. The
/// on-device model of 2025 (arXiv 2507.13575) has two blocks of layers, 5 : 3, of which the second takes keys and values of the first one's
/// last layer as that keeps them. What the reports leave open is as in the model code of Apple's adapter toolkit: heads are normed behind the
/// turning. No class of transformers has it; names are Llama's. A whole one is
///     struct small : afm_shape {
///         static constexpr int layers = 16, width = 512, heads = 8, kv_heads = 1, ffn = 1664, vocab = 32'000;
///         static constexpr layer_kind layer(int n) { return {.keys_from = keys_of_last(9, n)}; }  // without it: as in 2024
///     };
using afm = llama;

/// What its shapes have in common.
struct afm_shape : decoder_shape {
    static constexpr int                 context      = 4096;
    static constexpr bool                qk_norm      = true;
    static constexpr midtrain::norm_when qk_norm_when = norm_when::after_turning;
    static constexpr double              rope_base    = 500'000;
};
/// The on-device model of 2025.
struct afm_3b : afm_shape {
    static constexpr int                  layers = 56, width = 2048, heads = 16, kv_heads = 2, ffn = 6656, vocab = 153'600;
    static constexpr midtrain::layer_kind layer(int n) { return {.keys_from = keys_of_last(34, n)}; }
};

}  // namespace midtrain::inline MT_ABI::model
