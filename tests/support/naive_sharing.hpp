#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/problem/batch.hpp>
#include <midtrain/problem/layer_kind.hpp>
#include <support/traced.hpp>

namespace test {

/// A decoder whose layers may share keys and values, written from the papers' equations in double, token by token and head by head: RMSNorm
/// (Zhang and Sennrich 2019, eq. 4), rotary positions (Su et al. 2021, eq. 34), grouped attention (Vaswani et al. 2017, eq. 1; Ainslie et
/// al. 2023), SwiGLU (Shazeer 2020, eq. 6), norms of heads (Henry et al. 2020). A layer m that takes of layer n has
///     y_m = W_o softmax(rot(q_m) rot(k)^T / sqrt(d)) v_n,  q_m = W_q x_m,
/// with k = norm_m of k_n (Brandon et al. 2024: K and V of layer n in place of its own; Hunyuan-Large's norms) or layer n's own normed k_n
/// (Apple 2025: what n keeps is what m reads).
template <class Shape>
class naive_sharing {
  public:
    using row  = std::vector<traced>;
    using rows = std::vector<row>;

    Shape                      shape;
    std::map<std::string, row> weights;  // by name, row after row

    /// Logits of every token.
    rows logits(midtrain::token_batch const& b) const {
        rows out;
        for (midtrain::index_t s = 0; s < b.sequences; ++s) {
            rows x;
            for (midtrain::index_t t = 0; t < b.length; ++t)
                x.push_back(part("model.embed_tokens.weight", b.inputs[s * b.length + t], shape.width));
            std::map<int, rows> plain, seen, values;  // keys before norm and turning, keys that attention sees, values; by layer
            for (int n = 0; n < shape.layers; ++n) layer(n, x, plain, seen, values, b, s * b.length);
            for (auto const& one : x) out.push_back(times("model.embed_tokens.weight", norm(one, "model.norm.weight")));
        }
        return out;
    }
    /// Mean of -log softmax at the targets.
    traced loss(midtrain::token_batch const& b) const {
        auto const z = logits(b);
        traced     total;
        for (std::size_t t = 0; t < z.size(); ++t) {
            auto const target = b.targets[static_cast<midtrain::index_t>(t)];
            if (target < 0) continue;
            traced sum;
            for (auto const& one : z[t]) sum += exp(one);
            total += log(sum) - z[t][static_cast<std::size_t>(target)];
        }
        return total / traced(b.target_count);
    }

  private:
    row part(std::string const& name, std::int32_t r, int width) const {
        auto const from = weights.at(name).begin() + static_cast<std::ptrdiff_t>(r) * width;
        return {from, from + width};
    }
    row times(std::string const& name, row const& x) const {
        auto const& w = weights.at(name);
        row         y(w.size() / x.size());
        for (std::size_t r = 0; r < y.size(); ++r)
            for (std::size_t i = 0; i < x.size(); ++i) y[r] += w[r * x.size() + i] * x[i];
        return y;
    }
    row norm(row x, std::string const& gain) const {
        traced squares;
        for (auto const& v : x) squares += v * v;
        traced const by = traced(1) / sqrt(squares / traced(static_cast<double>(x.size())) + traced(shape.norm_epsilon));
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = x[i] * by * weights.at(gain)[i];
        return x;
    }
    static row turned(row const& x, int position) {
        row               y    = x;
        std::size_t const half = x.size() / 2;
        for (std::size_t i = 0; i < half; ++i) {
            double const angle = position * std::pow(1e4, -static_cast<double>(i) / static_cast<double>(half));
            y[i]               = x[i] * traced(std::cos(angle)) - x[i + half] * traced(std::sin(angle));
            y[i + half]        = x[i + half] * traced(std::cos(angle)) + x[i] * traced(std::sin(angle));
        }
        return y;
    }
    /// Each head of a query or key, normed where the shape says and turned.
    row ready(row const& x, int n, std::string const& early, std::string const& late, int position) const {
        std::size_t const size = static_cast<std::size_t>(midtrain::head_size_of(shape));
        auto const        at   = "model.layers." + std::to_string(n) + ".self_attn.";
        row               out;
        for (std::size_t h = 0; h < x.size(); h += size) {
            row one(x.begin() + static_cast<std::ptrdiff_t>(h), x.begin() + static_cast<std::ptrdiff_t>(h + size));
            bool const after = shape.qk_norm_when == midtrain::norm_when::after_turning;
            if (shape.qk_norm && !after) one = norm(one, at + early + ".weight");
            if (midtrain::layer_of(shape, n).how == midtrain::positions::rotary) one = turned(one, position);
            if (shape.qk_norm && after) one = norm(one, at + late + ".weight");
            out.insert(out.end(), one.begin(), one.end());
        }
        return out;
    }
    void layer(int n, rows& x, std::map<int, rows>& plain, std::map<int, rows>& seen, std::map<int, rows>& values,
               midtrain::token_batch const& b, midtrain::index_t base) const {
        auto const at   = "model.layers." + std::to_string(n) + ".";
        auto const kind = midtrain::layer_of(shape, n);
        int const  from = kind.keys_from < 0 ? n : kind.keys_from, size = midtrain::head_size_of(shape);
        auto const of = [&](int head, int i) { return static_cast<std::size_t>(head / (shape.heads / shape.kv_heads) * size + i); };
        auto const place = [&](std::size_t t) { return b.positions[base + static_cast<midtrain::index_t>(t)]; };
        rows       queries;
        for (std::size_t t = 0; t < x.size(); ++t) {
            auto const h = norm(x[t], at + "input_layernorm.weight");
            queries.push_back(ready(times(at + "self_attn.q_proj.weight", h), n, "q_norm", "query_layernorm", place(t)));
            if (from != n) continue;
            plain[n].push_back(times(at + "self_attn.k_proj.weight", h));
            values[n].push_back(times(at + "self_attn.v_proj.weight", h));
        }
        if (from == n || kind.taken == midtrain::key_form::projected)
            for (std::size_t t = 0; t < x.size(); ++t) seen[n].push_back(ready(plain[from][t], n, "k_norm", "key_layernorm", place(t)));
        else seen[n] = seen[from];
        for (std::size_t t = 0; t < x.size(); ++t) {
            row said;
            for (int head = 0; head < shape.heads; ++head) {
                auto const dot = [&](std::size_t j) {
                    traced sum;
                    for (int i = 0; i < size; ++i)
                        sum += queries[t][static_cast<std::size_t>(head * size + i)] * seen[n][j][of(head, i)];
                    return exp(sum / traced(std::sqrt(static_cast<double>(size))));
                };
                row    y(static_cast<std::size_t>(size));
                traced total;
                for (std::size_t j = static_cast<std::size_t>(b.document_begin[base + static_cast<midtrain::index_t>(t)]); j <= t; ++j) {
                    if (kind.window > 0 && static_cast<midtrain::index_t>(t - j) >= kind.window) continue;
                    traced const p = dot(j);
                    total += p;
                    for (int i = 0; i < size; ++i) y[static_cast<std::size_t>(i)] += p * values[from][j][of(head, i)];
                }
                for (auto const& v : y) said.push_back(v / total);
            }
            add(x[t], times(at + "self_attn.o_proj.weight", said));
        }
        for (auto& one : x) {
            auto const h = norm(one, at + "post_attention_layernorm.weight");
            auto       g = times(at + "mlp.gate_proj.weight", h), u = times(at + "mlp.up_proj.weight", h);
            for (std::size_t i = 0; i < g.size(); ++i) g[i] = g[i] / (traced(1) + exp(traced(0) - g[i])) * u[i];
            add(one, times(at + "mlp.down_proj.weight", g));
        }
    }
    static void add(row& x, row const& y) {
        for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
    }
};

}  // namespace test
