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

    template <class Shape>
    static constexpr bool looks_ahead = requires(Shape const& s) { s.mtp; };

    // Templates on the family too, since it is not complete here.
    template <class Shape, class F = Family>
    using block_type = block<typename F::norm, typename F::template mixer<Shape>, typename F::template mlp<Shape>>;

    template <class Shape, class F = Family>
    static decoder<block_type<Shape, F>, typename F::norm, looks_ahead<Shape>> make(parameter_layout& layout, Shape const& s) {
        using Norm = typename F::norm;
        embedding const in(layout, s.vocab, s.width, "model.embed_tokens.weight", 0, "", s.deviation, s.embedding_multiplier);
        std::vector<block_type<Shape, F>> blocks;
        for (int n = 0; n < s.layers; ++n) blocks.push_back(make_block<Shape, F>({layout, n, "model.layers." + std::to_string(n) + "."}, s));
        Norm const last = make_norm<Norm>({layout, s.layers, "model."}, s, "norm");
        head const out  = s.tied ? head(in.table(), s.logits_multiplier, s.logits_cap)
                                 : head(layout, s.layers + 1, s.vocab, s.width, "lm_head.weight", s.deviation, s.logits_multiplier, s.logits_cap);
        auto ahead = make_ahead<Shape, F>(layout, s, in.table(), out);
        layout.close();
        return {in, std::move(blocks), last, out, std::move(ahead), key_room_of(s, 2 * s.kv_heads * head_size_of(s))};
    }

  private:
    /// Modules of multi-token prediction, under the names of DeepSeek-V3 and MiMo. DeepSeek-V3's files hold copies of embedding and head.
    template <class Shape, class F>
    static auto make_ahead(parameter_layout& layout, Shape const& s, parameter const& table, head const& shared) {
        using Norm = typename F::norm;
        std::vector<mtp_module<block_type<Shape, F>, Norm>> all;
        for (int k = 0; k < mtp_depth_of(s); ++k)
            if constexpr (requires { s.mtp; }) {
                bool const        mimo = s.mtp.form == mtp_form::mimo;
                layer_place const to{layout, s.layers + 1 + k, mimo ? "model.mtp_layers." + std::to_string(k) + "."
                                                                    : "model.layers." + std::to_string(s.layers + k) + "."};
                auto const     e = make_norm<Norm>(to, s, mimo ? "token_layernorm" : "enorm"), h = make_norm<Norm>(to, s, mimo ? "hidden_layernorm" : "hnorm");
                linear const   join(layout, to.bucket(), 2 * s.width, s.width, {{to.at + (mimo ? "input_proj.weight" : "eh_proj.weight"), 0, s.width}}, {},
                                    s.deviation);
                auto           body = make_block<Shape, F>(to, s);
                auto const     last = make_norm<Norm>(to, s, mimo ? "final_layernorm" : "shared_head.norm");
                head const     out  = s.mtp.own_head ? head(layout, to.bucket(), s.vocab, s.width, to.at + (mimo ? "lm_head.weight" : "shared_head.head.weight"),
                                                            s.deviation, s.logits_multiplier, s.logits_cap)
                                                     : shared;
                if (!mimo) layout.add_copy(to.at + "embed_tokens.weight", table);
                if (!mimo && !s.mtp.own_head) layout.add_copy(to.at + "shared_head.head.weight", shared.table());
                all.emplace_back(e, h, join, std::move(body), last, out, s.mtp.form, k + 1, s.mtp.depth);
            }
        return all;
    }

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
