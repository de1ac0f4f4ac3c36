#pragma once
#include <cmath>
#include <string>
#include <vector>
#include <midtrain/model/attention.hpp>
#include <midtrain/model/block.hpp>
#include <midtrain/model/decoder.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/mlp.hpp>
#include <midtrain/model/norm.hpp>

namespace midtrain::inline MT_ABI::model {

/// The Llama family: RMSNorm, grouped-query attention with rope, SwiGLU; names as transformers' LlamaForCausalLM. With what the shape says
/// of biases, norms of heads, windows and layers that turn nothing also Mistral, Qwen2, Qwen3 and SmolLM3.
struct llama {
    template <class Shape>
    using block_type = block<rmsnorm, attention_of<Shape>, swiglu>;

    static constexpr bool turns = true;  ///< whether it needs a rotary table

    template <class Shape>
    static decoder<block_type<Shape>, rmsnorm> make(parameter_layout& layout, Shape const& s) {
        embedding const in(layout, s.vocab, s.width, "model.embed_tokens.weight", 0, "", s.deviation);
        std::vector<block_type<Shape>> blocks;
        for (int n = 0; n < s.layers; ++n) blocks.push_back(make_block(layout, s, n));
        rmsnorm const norm(layout, s.layers + 1, s.width, "model.norm", s.norm_epsilon);
        head const    out = s.tied ? head(in.table()) : head(layout, s.layers + 1, s.vocab, s.width, "lm_head.weight", s.deviation);
        layout.close();
        return {in, std::move(blocks), norm, out};
    }

  private:
    template <class Shape>
    static block_type<Shape> make_block(parameter_layout& layout, Shape const& s, int n) {
        std::string const at    = "model.layers." + std::to_string(n) + ".";
        index_t const     b     = n + 1, size = head_size_of(s), q = size * s.heads, kv = size * s.kv_heads;
        double const      small = s.deviation / std::sqrt(2.0 * s.layers);
        auto const        biases = [](bool has, std::vector<parameter_part> parts) { return has ? parts : std::vector<parameter_part>{}; };
        rmsnorm const first(layout, b, s.width, at + "input_layernorm", s.norm_epsilon);
        auto const    self = at + "self_attn.";
        linear const      qkv(
                 layout, b, s.width, q + 2 * kv,
                 {{self + "q_proj.weight", 0, q}, {self + "k_proj.weight", q, kv}, {self + "v_proj.weight", q + kv, kv}},
                 biases(s.qkv_bias, {{self + "q_proj.bias", 0, q}, {self + "k_proj.bias", q, kv}, {self + "v_proj.bias", q + kv, kv}}),
                 s.deviation);
        linear const  out(layout, b, q, s.width, {{self + "o_proj.weight", 0, s.width}},
                          biases(s.out_bias, {{self + "o_proj.bias", 0, s.width}}), small);
        auto const    norm = s.qk_norm ? head_norm(layout, b, self, {s.heads, s.kv_heads, size}, s.norm_epsilon) : head_norm();
        rmsnorm const second(layout, b, s.width, at + "post_attention_layernorm", s.norm_epsilon);
        linear const  gate_up(layout, b, s.width, 2 * s.ffn,
                              {{at + "mlp.gate_proj.weight", 0, s.ffn}, {at + "mlp.up_proj.weight", s.ffn, s.ffn}}, {}, s.deviation);
        linear const  down(layout, b, s.ffn, s.width, {{at + "mlp.down_proj.weight", 0, s.width}}, {}, small);
        return {first, attention_of<Shape>(qkv, out, s.heads, s.kv_heads, size, layer_of(s, n), norm, scores_of(s, n)), second, swiglu(gate_up, down)};
    }
};

}  // namespace midtrain::inline MT_ABI::model
