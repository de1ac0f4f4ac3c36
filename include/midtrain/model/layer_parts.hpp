#pragma once
#include <cmath>
#include <string>
#include <utility>
#include <vector>
#include <midtrain/model/attention.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/linear.hpp>
#include <midtrain/model/mlp.hpp>
#include <midtrain/model/residual.hpp>
#include <midtrain/problem/parameters.hpp>

// The parts of a layer as a shape says, under the names that transformers gives them in Llama and its relatives.
namespace midtrain::inline MT_ABI::model {

/// Where a layer's parameters go.
struct layer_place {
    parameter_layout& layout;
    int               n;   ///< the layer
    std::string       at;  ///< what its names begin with

    index_t bucket() const { return n + 1; }
};

namespace detail {

/// Parts of (name, rows) one after another, as "self_attn.q_proj" and so on; none if the layer has none.
inline std::vector<parameter_part> parts_of(std::string const& at, char const* kind, std::vector<std::pair<char const*, index_t>> const& all,
                                            bool has = true, index_t head_rows = 0) {
    std::vector<parameter_part> parts;
    index_t                     row = 0;
    for (auto const& [name, rows] : all) {
        if (has) parts.push_back({.name = at + name + kind, .first_row = row, .rows = rows, .head_rows = head_rows});
        row += rows;
    }
    return parts;
}

}  // namespace detail

/// The deviation with which matrices begin that write to the residual stream.
template <class Shape>
double deviation_of_outputs(Shape const& s) {
    return s.depth_scaled ? s.deviation / std::sqrt(2.0 * s.layers) : s.deviation;
}

/// `scores`: what the layer does to them.
template <class Shape, class Scores>
modified_attention<Scores> make_attention(layer_place const& to, Shape const& s, Scores const& scores) {
    auto const    shared = key_sharing_of(s, to.n);
    bool const    takes  = shared.does == key_sharing::part::takes;
    index_t const b = to.bucket(), size = head_size_of(s), q = size * s.heads, kv = takes ? 0 : size * s.kv_heads, w = s.width;
    auto const    self = to.at + "self_attn.";
    using rows         = std::vector<std::pair<char const*, index_t>>;
    check(!(takes && s.fused), "layers that take keys and values of others have no fused projections");
    auto const   in    = takes     ? rows{{"q_proj", q}}
                         : s.fused ? rows{{"qkv_proj", q + 2 * kv}}
                                   : rows{{"q_proj", q}, {"k_proj", kv}, {"v_proj", kv}};
    linear const qkv(to.layout, b, w, q + 2 * kv, detail::parts_of(self, ".weight", in, true, s.fused ? 0 : size),
                     detail::parts_of(self, ".bias", in, s.qkv_bias), s.deviation);
    linear const out(to.layout, b, q, w, {{self + "o_proj.weight", 0, w}}, detail::parts_of(self, ".bias", {{"o_proj", w}}, s.out_bias),
                     deviation_of_outputs(s));
    op::head_rows const of{s.heads, takes && shared.form == key_form::turned ? 0 : s.kv_heads, size};
    auto const norm = s.qk_norm ? head_norm(to.layout, b, self, of, s.norm_epsilon, s.qk_norm_over, s.qk_norm_when) : head_norm();
    auto const sink = s.sinks ? attention_sink(to.layout, b, self + "sinks", s.heads, s.deviation) : attention_sink();
    return {qkv, out, s.heads, s.kv_heads, size, layer_of(s, to.n), norm, scores, sink, s.attention_multiplier, shared};
}

template <class Shape>
attention_of<Shape> make_attention(layer_place const& to, Shape const& s) {
    return make_attention(to, s, scores_of(s, to.n));
}

/// An MLP that is made of two matrices, of gate and up side by side, or of up alone.
template <class Mlp, class Shape>
Mlp make_mlp(layer_place const& to, Shape const& s, index_t ffn, bool gated) {
    index_t const b  = to.bucket();
    auto const    at = to.at + "mlp.";
    using rows       = std::vector<std::pair<char const*, index_t>>;
    auto const in    = !gated ? rows{{"up_proj", ffn}} : s.fused ? rows{{"gate_up_proj", 2 * ffn}} : rows{{"gate_proj", ffn}, {"up_proj", ffn}};
    linear const up(to.layout, b, s.width, gated ? 2 * ffn : ffn, detail::parts_of(at, ".weight", in),
                    detail::parts_of(at, ".bias", in, s.mlp_bias), s.deviation);
    linear const down(to.layout, b, ffn, s.width, {{at + "down_proj.weight", 0, s.width}},
                      detail::parts_of(at, ".bias", {{"down_proj", index_t{s.width}}}, s.mlp_bias), deviation_of_outputs(s));
    return {up, down};
}

template <class Norm, class Shape>
Norm make_norm(layer_place const& to, Shape const& s, std::string const& name) {
    return {to.layout, to.bucket(), s.width, to.at + name, s.norm_epsilon, s.gains};
}

/// A branch of the residual stream with the norms that the shape says, named `before` and `after`; make() makes what stands between.
template <class Norm, class Shape, class Make>
auto make_branch(layer_place const& to, Shape const& s, char const* before, char const* after, Make const& make) {
    std::optional<Norm> first, last;
    if (s.norms != norm_place::after) first = make_norm<Norm>(to, s, before);
    auto f = make();
    if (s.norms != norm_place::before) last = make_norm<Norm>(to, s, after);
    return residual<Norm, decltype(f)>(std::move(first), std::move(f), std::move(last), s.residual_multiplier);
}

}  // namespace midtrain::inline MT_ABI::model
