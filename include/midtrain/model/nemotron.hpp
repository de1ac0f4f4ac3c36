#pragma once
#include <midtrain/model/decoder_family.hpp>

namespace midtrain::inline MT_ABI::model {

/// Nemotron-4 (arXiv 2402.16819, section 2): LayerNorm with bias whose gain is kept as its distance from one, squared ReLU without a gate, and
/// half of each head turns; names as transformers' NemotronForCausalLM.
struct nemotron : decoder_family<nemotron> {
    using norm = layernorm;
    template <class Shape>
    using mlp = relu_squared_mlp;

    template <class Shape>
    static mlp<Shape> make_mlp(layer_place const& to, Shape const& s) {
        return model::make_mlp<mlp<Shape>>(to, s, s.ffn, false);
    }
};

/// What its shapes have in common. Its positions are partial<rope>{.share = 0.5, ...}.
struct nemotron_shape : decoder_shape {
    static constexpr midtrain::norm_gain gains     = norm_gain::one_plus;
    static constexpr bool                tied      = false;
    static constexpr double              deviation = 0.0134;
};
/// Nemotron-4 340B (arXiv 2406.11704, table 1).
struct nemotron_4_340b : nemotron_shape {
    static constexpr int layers = 96, width = 18'432, heads = 96, kv_heads = 8, ffn = 73'728, vocab = 256'000, context = 4096;
};

}  // namespace midtrain::inline MT_ABI::model
