#pragma once
#include <cmath>
#include <string>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/model/attention.hpp>
#include <midtrain/model/block.hpp>
#include <midtrain/model/decoder.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/mlp.hpp>
#include <midtrain/model/norm.hpp>
#include <midtrain/problem/mtp_shape.hpp>

namespace midtrain::inline MT_ABI::model {

/// The GPT-2 family: LayerNorm, multi-head attention, learned positions, GELU, biases; names as transformers' GPT2LMHeadModel, whose
/// matrices are stored (inputs, outputs).
struct gpt2 {
    template <class Shape>
    using block_type = block<layernorm, attention_of<Shape>, gelu_mlp>;

    static constexpr bool turns = false;  ///< whether it needs a rotary table

    template <class Shape>
    static decoder<block_type<Shape>, layernorm> make(parameter_layout& layout, Shape const& s) {
        check_no_mtp(s);
        embedding const in(layout, s.vocab, s.width, "transformer.wte.weight", s.context, "transformer.wpe.weight", s.deviation);
        std::vector<block_type<Shape>> blocks;
        for (int n = 0; n < s.layers; ++n) blocks.push_back(make_block(layout, s, n));
        layernorm const norm(layout, s.layers + 1, s.width, "transformer.ln_f", s.norm_epsilon);
        head const out = s.tied ? head(in.table()) : head(layout, s.layers + 1, s.vocab, s.width, "lm_head.weight", s.deviation);
        layout.close();
        return {in, std::move(blocks), norm, out};
    }

  private:
    template <class Shape>
    static block_type<Shape> make_block(parameter_layout& layout, Shape const& s, int n) {
        std::string const at    = "transformer.h." + std::to_string(n) + ".";
        index_t const     b     = n + 1, w = s.width;
        double const      small = s.deviation / std::sqrt(2.0 * s.layers);
        auto const        dense = [&](std::string const& name, index_t inputs, index_t outputs, double deviation) {
            return linear(layout, b, inputs, outputs, {{at + name + ".weight", 0, outputs, true}}, {{at + name + ".bias", 0, outputs}},
                                 deviation);
        };
        layernorm const first(layout, b, w, at + "ln_1", s.norm_epsilon);
        auto const      qkv = dense("attn.c_attn", w, 3 * w, s.deviation);
        auto const      out = dense("attn.c_proj", w, w, small);
        layernorm const second(layout, b, w, at + "ln_2", s.norm_epsilon);
        auto const      up   = dense("mlp.c_fc", w, s.ffn, s.deviation);
        auto const      down = dense("mlp.c_proj", s.ffn, w, small);
        check(layer_of(s, n).keys_from < 0, "the layers of a GPT-2 make their own keys and values");
        layer_kind const kind{positions::none, layer_of(s, n).window};
        return {first, attention_of<Shape>(qkv, out, s.heads, s.heads, w / s.heads, kind, {}, scores_of(s, n)), second, gelu_mlp(up, down)};
    }
};

}  // namespace midtrain::inline MT_ABI::model
