#pragma once
#include <midtrain/model/llama.hpp>

namespace midtrain::inline MT_ABI::model {

/// What shapes of OLMo 2 have in common (arXiv 2501.00656, section 3.2): norms behind the branches, one norm of all queries and one of all keys
/// before they turn, nothing tied, and no smaller beginnings of what writes to the residual stream. model::llama computes them; transformers has
/// Olmo2ForCausalLM. Positions are rope with base 500000, the loss has a z-loss of 1e-5.
struct olmo2_shape : decoder_shape {
    static constexpr midtrain::norm_place norms        = norm_place::after;
    static constexpr midtrain::norm_over  qk_norm_over = norm_over::all;
    static constexpr bool                 qk_norm = true, tied = false, depth_scaled = false;
    static constexpr int                  context = 4096, vocab = 100'352, end_token = 100'257;
    static constexpr double               norm_epsilon = 1e-6, rope_base = 500'000;
};
struct olmo2_1b : olmo2_shape {
    static constexpr int layers = 16, width = 2048, heads = 16, kv_heads = 16, ffn = 8192;
};
struct olmo2_7b : olmo2_shape {
    static constexpr int layers = 32, width = 4096, heads = 32, kv_heads = 32, ffn = 11'008;
};
struct olmo2_13b : olmo2_shape {
    static constexpr int layers = 40, width = 5120, heads = 40, kv_heads = 40, ffn = 13'824;
};
struct olmo2_32b : olmo2_shape {
    static constexpr int layers = 64, width = 5120, heads = 40, kv_heads = 8, ffn = 27'648;
};

}  // namespace midtrain::inline MT_ABI::model
