#pragma once
#include <midtrain/model/olmo2.hpp>

namespace midtrain::inline MT_ABI::model {

/// OLMo 3 is OLMo 2 with windows of 4096 tokens in three of four layers; those turn by plain rope with base 500000 also where the others are
/// stretched (transformers' Olmo3Model). transformers ignores a flat rope_parameters of it, so we write and read both tables.
struct olmo3_shape : olmo2_shape {
    static constexpr int              window           = 4096, context = 8192;
    static constexpr double           window_rope_base = 500'000;
    static constexpr midtrain::layer_kind layer(int n) { return {.window = window_but_every(4, n, window)}; }
};
struct olmo3_7b : olmo3_shape {
    static constexpr int layers = 32, width = 4096, heads = 32, kv_heads = 32, ffn = 11'008, vocab = 100'278;
};

}  // namespace midtrain::inline MT_ABI::model
