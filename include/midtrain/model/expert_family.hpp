#pragma once
#include <utility>
#include <midtrain/model/decoder_family.hpp>
#include <midtrain/model/either.hpp>
#include <midtrain/model/experts.hpp>

namespace midtrain::inline MT_ABI::model {

/// The experts of a layer, or where the shape says that it has none its MLP.
template <class Shape>
either<swiglu, experts> make_experts(layer_place const& to, Shape const& s) {
    if (!has_experts(s.experts, to.n)) return make_mlp<swiglu>(to, s, s.ffn, true);
    return experts(to.layout, to.bucket(), to.at, s.experts, s.width, s.deviation, deviation_of_outputs(s));
}

/// Llama with experts in place of some MLPs; a family that has more of its own derives from expert_family<itself>. Its shapes have
///     static constexpr expert_shape experts{...};
template <class Family>
struct expert_family : decoder_family<Family> {
    template <class Shape>
    using mlp = either<swiglu, experts>;

    template <class Shape>
    static mlp<Shape> make_mlp(layer_place const& to, Shape const& s) {
        return make_experts(to, s);
    }
};

/// With what the shape says Qwen2-MoE, Qwen3-MoE, Mixtral, Hunyuan-Large and Pangu Pro MoE.
struct expert_decoder : expert_family<expert_decoder> {};

}  // namespace midtrain::inline MT_ABI::model
