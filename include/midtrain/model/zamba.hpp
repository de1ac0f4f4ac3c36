#pragma once
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/model/decoder.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/interleaved_linear.hpp>
#include <midtrain/model/norm.hpp>
#include <midtrain/model/shared_block.hpp>
#include <midtrain/model/state_space.hpp>
#include <midtrain/model/state_space_parts.hpp>
#include <midtrain/problem/mtp_shape.hpp>

namespace midtrain::inline MT_ABI::model {

/// Zamba-7B's layers that have the shared block: the third, and from the fourth on one in six (transformers, configuration_zamba.py).
constexpr bool zamba_hybrid(int n, int period = 6, int offset = 4) { return n == 2 || (n > 2 && (n - 3) % period == offset); }

/// The Zamba family (Glorioso et al. 2024): Mamba layers, some of which also look at all of the past through one shared block of attention
/// and MLP; names and fresh values as transformers' ZambaForCausalLM. A shape has  static constexpr state_shape state{...}  and
/// static constexpr bool hybrid(int n): whether layer n has the shared block, whose weights stand under the first such layer's name.
struct zamba {
    static constexpr bool turns = false;  ///< whether it needs a rotary table

    using mixer      = state_space<interleaved_linear>;
    using block_type = shared_block<rmsnorm, mixer>;

    template <class Shape>
    static decoder<block_type, rmsnorm> make(parameter_layout& layout, Shape const& s) {
        check_no_mtp(s);
        embedding const in(layout, s.vocab, s.width, "model.embed_tokens.weight", 0, "", s.deviation);
        std::vector<block_type>      blocks;
        std::optional<shared_branch> shared;
        for (int n = 0; n < s.layers; ++n) {
            index_t const     b  = n + 1;
            std::string const at = "model.layers." + std::to_string(n) + ".", own = s.hybrid(n) ? at + "mamba_decoder." : at;
            if (s.hybrid(n) && !shared) shared = make_shared(layout, s, b, at + "shared_transf.");
            std::optional<typename block_type::looking_back> back;
            if (s.hybrid(n)) {
                linear const out(layout, b, s.width, s.width, {{.name = at + "linear.weight", .rows = s.width}}, {}, s.deviation);
                back.emplace(*shared, out);
            }
            rmsnorm const norm(layout, b, s.width, own + "input_layernorm", s.norm_epsilon);
            blocks.emplace_back(norm, make_mixer(layout, s, b, own + "mamba."), std::move(back));
        }
        rmsnorm const norm(layout, s.layers + 1, s.width, "model.final_layernorm", s.norm_epsilon);
        head const    out = s.tied ? head(in.table()) : head(layout, s.layers + 1, s.vocab, s.width, "lm_head.weight", s.deviation);
        layout.close();
        return {in, std::move(blocks), norm, out};
    }

  private:
    template <class Shape>
    static mixer make_mixer(parameter_layout& layout, Shape const& s, index_t b, std::string const& at) {
        index_t const            c = inner_of(s);
        interleaved_linear const in(layout, b, s.width, 2 * c, at + "in_proj.weight", s.deviation);
        state_space_parts const  parts(layout, b, s, at, state_space_names::zamba);
        linear const             out(layout, b, c, s.width, {{.name = at + "out_proj.weight", .rows = s.width}}, {}, s.deviation);
        return {in, parts.mixes, parts.select, parts.steps, out, parts.tensors, s.state.heads};
    }
    template <class Shape>
    static shared_branch make_shared(parameter_layout& layout, Shape const& s, index_t b, std::string const& at) {
        index_t const     size = head_size_of(s), q = size * s.heads, kv = size * s.kv_heads, w = s.width, f = s.ffn;
        std::string const self = at + "self_attn.", mlp = at + "feed_forward.";
        auto const        matrix = [&](index_t inputs, index_t outputs, std::vector<parameter_part> parts) {
            return linear(layout, b, inputs, outputs, std::move(parts), {}, s.deviation);
        };
        rmsnorm const first(layout, b, 2 * w, at + "input_layernorm", s.norm_epsilon);
        auto const    qkv = matrix(2 * w, q + 2 * kv, {{.name = self + "q_proj.weight", .first_row = 0, .rows = q, .head_rows = size},
                                                       {.name = self + "k_proj.weight", .first_row = q, .rows = kv, .head_rows = size},
                                                       {.name = self + "v_proj.weight", .first_row = q + kv, .rows = kv, .head_rows = size}});
        auto const    out = matrix(q, w, {{.name = self + "o_proj.weight", .rows = w}});
        rmsnorm const second(layout, b, w, at + "pre_ff_layernorm", s.norm_epsilon);
        auto const    gate_up = matrix(w, 2 * f, {{.name = mlp + "gate_proj.weight", .rows = f},
                                                  {.name = mlp + "up_proj.weight", .first_row = f, .rows = f}});
        auto const    down = matrix(f, w, {{.name = mlp + "down_proj.weight", .rows = w}});
        // A head is as wide as if the input had not been doubled, so scores are divided by the root of half of it.
        double const    scale = std::sqrt(2.0 / static_cast<double>(size));
        attention const looks(qkv, out, s.heads, s.kv_heads, size, {positions::none}, {}, {}, {}, scale);
        return {first, looks, second, gated_mlp<op::gelu_erf>(gate_up, down)};
    }
};

/// The published one (section 3.1).
struct zamba_7b : decoder_shape {
    static constexpr int         layers = 76, width = 3712, heads = 16, kv_heads = 16, head_size = 464, ffn = 14'848, vocab = 32'000, context = 4096;
    static constexpr state_shape state{.heads = 2};
    static constexpr bool        hybrid(int n) { return zamba_hybrid(n); }
};

}  // namespace midtrain::inline MT_ABI::model
