#pragma once
#include <midtrain/core/error.hpp>
#include <midtrain/model/decoder_family.hpp>
#include <midtrain/position/soft_cap.hpp>

namespace midtrain::inline MT_ABI::model {

/// Gemma 2 (arXiv 2408.00118, section 2): norms before and behind each branch with gains about one, GeGLU, scores and last logits capped.
struct gemma : decoder_family<gemma> {
    template <class Shape>
    using mixer = modified_attention<soft_cap>;
    template <class Shape>
    using mlp = geglu;

    template <class Shape>
    static mixer<Shape> make_mixer(layer_place const& to, Shape const& s) {
        soft_cap const scores{.cap = s.attention_cap};
        check(scores.fits(s.heads), "gemma: the cap of scores is not above zero");
        return make_attention(to, s, scores);
    }
    template <class Shape>
    static mlp<Shape> make_mlp(layer_place const& to, Shape const& s) {
        return model::make_mlp<mlp<Shape>>(to, s, s.ffn, true);
    }
};

/// What its shapes have in common; they set embedding_multiplier to the root of their width.
struct gemma_shape : decoder_shape {
    static constexpr midtrain::norm_place norms = norm_place::both;
    static constexpr midtrain::norm_gain  gains = norm_gain::one_plus;
    static constexpr int    context       = 8192, end_token = 1;
    static constexpr double norm_epsilon  = 1e-6;
    static constexpr double attention_cap = 50, logits_cap = 30;
};

}  // namespace midtrain::inline MT_ABI::model
