#pragma once
#include <midtrain/model/decoder_family.hpp>
#include <midtrain/position/soft_cap.hpp>

namespace midtrain::inline MT_ABI::model {

/// Gemma 2 (arXiv 2408.00118, section 2) but for the cap on its last logits: norms before and behind each branch with gains about one, GeGLU.
struct gemma : decoder_family<gemma> {
    template <class Shape>
    using mlp = geglu;

    template <class Shape>
    static mlp<Shape> make_mlp(layer_place const& to, Shape const& s) {
        return model::make_mlp<mlp<Shape>>(to, s, s.ffn, true);
    }
};

/// What its shapes have in common; they set embedding_multiplier to the root of their width.
struct gemma_shape : decoder_shape {
    static constexpr midtrain::norm_place norms = norm_place::both;
    static constexpr midtrain::norm_gain  gains = norm_gain::one_plus;
    static constexpr double norm_epsilon        = 1e-6;

    static constexpr soft_cap scores(int) { return {.cap = 50}; }
};

}  // namespace midtrain::inline MT_ABI::model
