#pragma once
#include <string>
#include <utility>
#include <vector>
#include <midtrain/model/block.hpp>
#include <midtrain/model/decoder.hpp>
#include <midtrain/model/layer_parts.hpp>
#include <midtrain/model/norm.hpp>

namespace midtrain::inline MT_ABI::model {

/// What Llama and its relatives have in common, and Llama itself: RMSNorm, grouped-query attention with rope, SwiGLU. A family derives from
/// decoder_family<itself> and states the parts that differ:
///     struct nemotron : decoder_family<nemotron> { using norm = layernorm; template <class Shape> using mlp = relu_squared_mlp; ... };
template <class Family>
struct decoder_family {
    static constexpr bool turns = true;  ///< whether it needs a rotary table

    using norm = rmsnorm;
    template <class Shape>
    using mixer = attention_of<Shape>;
    template <class Shape>
    using mlp = swiglu;

    template <class Shape>
    static mixer<Shape> make_mixer(layer_place const& to, Shape const& s) {
        return make_attention(to, s);
    }
    template <class Shape>
    static mlp<Shape> make_mlp(layer_place const& to, Shape const& s) {
        return model::make_mlp<mlp<Shape>>(to, s, s.ffn, true);
    }

    // Templates on the family too, since it is not complete here.
    template <class Shape, class F = Family>
    using block_type = block<typename F::norm, typename F::template mixer<Shape>, typename F::template mlp<Shape>>;

    template <class Shape, class F = Family>
    static decoder<block_type<Shape, F>, typename F::norm> make(parameter_layout& layout, Shape const& s) {
        using Norm = typename F::norm;
        embedding const in(layout, s.vocab, s.width, "model.embed_tokens.weight", 0, "", s.deviation, s.embedding_multiplier);
        std::vector<block_type<Shape, F>> blocks;
        for (int n = 0; n < s.layers; ++n) blocks.push_back(make_block<Shape, F>({layout, n, "model.layers." + std::to_string(n) + "."}, s));
        Norm const last = make_norm<Norm>({layout, s.layers, "model."}, s, "norm");
        head const out  = s.tied ? head(in.table(), s.logits_multiplier)
                                 : head(layout, s.layers + 1, s.vocab, s.width, "lm_head.weight", s.deviation, s.logits_multiplier);
        layout.close();
        return {in, std::move(blocks), last, out};
    }

  private:
    template <class Shape, class F>
    static block_type<Shape, F> make_block(layer_place const& to, Shape const& s) {
        using Norm       = typename F::norm;
        bool const first = s.norms == norm_place::before;  // where the name of a norm has another meaning
        auto mixer = make_branch<Norm>(to, s, "input_layernorm", "post_attention_layernorm", [&] { return F::template make_mixer<Shape>(to, s); });
        auto mlp   = make_branch<Norm>(to, s, first ? "post_attention_layernorm" : "pre_feedforward_layernorm", "post_feedforward_layernorm",
                                       [&] { return F::template make_mlp<Shape>(to, s); });
        return {std::move(mixer), std::move(mlp)};
    }
};

}  // namespace midtrain::inline MT_ABI::model
