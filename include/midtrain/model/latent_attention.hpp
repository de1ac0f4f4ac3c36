#pragma once
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <midtrain/core/error.hpp>
#include <midtrain/model/layer_parts.hpp>
#include <midtrain/model/linear.hpp>
#include <midtrain/model/norm.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/cached_attention.hpp>
#include <midtrain/op/latent_rows.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/problem/latent_shape.hpp>
#include <midtrain/problem/layer_kind.hpp>

namespace midtrain::inline MT_ABI::model {

/// y = w norm(a x), a matrix of low rank with a norm in the middle; or y = w x, without.
class latent_query {
  public:
    latent_query(std::optional<linear> down, rmsnorm norm, linear up) : down_(std::move(down)), norm_(std::move(norm)), up_(std::move(up)) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T = typename Pass::stored;
        if (!down_) return up_.forward(p, x);
        return up_.forward(p, matrix_view<T const>(norm_.forward(p, matrix_view<T const>(down_->forward(p, x)))));
    }
    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T      = typename Pass::stored;
        auto const d = up_.backward(p, dy);
        if (!down_) return d;
        auto const within = p.zeros(d.rows, d.columns);
        norm_.backward_onto(p, matrix_view<T const>(d), within);
        return down_->backward(p, matrix_view<T const>(within));
    }

  private:
    std::optional<linear> down_;
    rmsnorm               norm_;
    linear                up_;
};

/// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1.2 and 2.1.3): keys and values are made from one latent of low rank
/// by token, and the part of the keys that turns is one for all heads. While tokens are generated only the latent and that part are kept, and
/// a new token looks at them through matrices that are absorbed into its query and its answer.
class latent_attention {
  public:
    /// `down` makes (latent, shared values that turn), `up` each head's (still key, value) from the normed latent of `rank`.
    latent_attention(latent_query query, linear down, rmsnorm norm, linear up, linear out, op::latent_heads of, index_t rank, double multiplier,
                     layer_kind kind)
        : query_(std::move(query)), down_(std::move(down)), norm_(std::move(norm)), up_(std::move(up)), out_(std::move(out)),
          of_(of), rank_(rank), kind_(kind),
          multiplier_(multiplier > 0 ? multiplier : 1 / std::sqrt(static_cast<double>(of.size()))) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T = typename Pass::stored;
        check(!p.distance.changes(), "dual_chunk and self_extend are not for latent attention");
        auto const q      = query_.forward(p, x);
        auto const both   = down_.forward(p, x);
        auto const latent = norm_.forward(p, matrix_view<T const>(both.columns_part(0, rank_)));
        auto const shared = both.columns_part(rank_, of_.turning);
        if (p.cache.capacity > 0) {
            auto const kept = p.cache.take(both.columns);
            p.device.rows(q.rows, op::keep_latent<T>{latent, shared, kept, p.batch.positions, keys_cosine(p), keys_sine(p), p.cache.used,
                                                     half(p), of_.side_by_side});
            if (p.cache.used > 0) return out_.forward(p, matrix_view<T const>(absorbed(p, q, kept)));
        }
        if (p.mode == pass_mode::evaluate) room_for_one(p);
        auto const kv  = up_.forward(p, matrix_view<T const>(latent));
        auto const qkv = p.make(q.rows, of_.width());
        p.device.rows(q.rows, op::latent_forward<T>{q, kv, shared, qkv, p.batch.positions, p.cosine, p.sine, keys_cosine(p), keys_sine(p), of_,
                                                    half(p)});
        auto const problem = make(p, qkv);
        run(p.device, problem);
        p.save(problem);
        return out_.forward(p, matrix_view<T const>(problem.output));
    }

    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T         = typename Pass::stored;
        auto const d    = out_.backward(p, dy);
        auto const f    = p.template take<attention_problem<T>>();
        auto const n    = f.qkv.rows;
        auto const dqkv = p.make(n, of_.width());
        auto const dot  = p.template make<typename Pass::computed>(of_.heads, n);
        run(p.device, attention_gradient_problem<T>{f, d, dqkv, dot});
        auto const dq = p.make(n, of_.heads * of_.size()), dkv = p.make(n, of_.heads * (of_.still + of_.values));
        auto const dboth = p.zeros(n, rank_ + of_.turning);
        p.device.rows(n, op::latent_backward<T>{dqkv, dq, dkv, dboth.columns_part(rank_, of_.turning), p.batch.positions, p.cosine, p.sine,
                                                keys_cosine(p), keys_sine(p), of_, half(p)});
        norm_.backward_onto(p, matrix_view<T const>(up_.backward(p, matrix_view<T const>(dkv))), dboth.columns_part(0, rank_));
        auto const dx = down_.backward(p, matrix_view<T const>(dboth));
        auto const by_query = query_.backward(p, matrix_view<T const>(dq));
        p.device.elements(dx.size(), op::add<T>{dx.flat(), by_query.flat(), dx.flat()});
        return dx;
    }

  private:
    template <class Pass>
    auto keys_cosine(Pass const& p) const {
        return p.key_cosine.rows > 0 ? p.key_cosine : p.cosine;
    }
    template <class Pass>
    auto keys_sine(Pass const& p) const {
        return p.key_cosine.rows > 0 ? p.key_sine : p.sine;
    }
    template <class Pass>
    index_t half(Pass const& p) const {
        return kind_.how == positions::rotary ? p.cosine.columns : 0;
    }
    template <class Pass>
    auto scale(Pass const& p) const {
        return typename Pass::computed(p.score_factor * multiplier_);
    }
    template <class Pass, class T>
    auto make(Pass& p, matrix_view<T> qkv) const {
        return attention_problem<T>{.qkv = qkv, .document_begin = p.batch.document_begin, .output = p.make(qkv.rows, of_.heads * of_.values),
                                    .log_sum = p.template make<typename Pass::computed>(of_.heads, qkv.rows), .sequences = p.batch.sequences,
                                    .length = p.batch.length, .heads = of_.heads, .kv_heads = of_.heads, .head_size = of_.size(),
                                    .scale = scale(p), .window = kind_.window, .position = p.batch.positions, .value_size = of_.values,
                                    .documents = p.batch.documents};
    }

    struct absorbing {
        index_t query, found, answer;
    };
    absorbing widths() const { return {of_.heads * (rank_ + of_.turning), of_.heads * rank_, of_.heads * of_.values}; }
    /// Takes the memory that a new token needs and gives it back: dry runs have no cache, and count it here.
    template <class Pass>
    void room_for_one(Pass& p) const {
        scope const s(p);
        auto const  w = widths();
        p.make(1, w.query), p.make(1, w.found), p.make(1, w.answer);
    }

    /// Of one new token: each head's still query times its key matrix is a query over the latent itself, one key head of all; what it finds
    /// there times its value matrix is its answer (DeepSeek-V2, section 2.1.2 and appendix C).
    template <class Pass, class T>
    matrix_view<T> absorbed(Pass& p, matrix_view<T> q, matrix_view<T> kept) const {
        index_t const wide = rank_ + of_.turning, each = of_.still + of_.values;
        auto const    n    = widths();
        auto const    over = p.make(1, n.query), found = p.make(1, n.found), answer = p.make(1, n.answer);
        auto const    w    = p.weight(up_.weight());
        for (index_t h = 0; h < of_.heads; ++h)
            p.device.gemm(gemm_problem<T, T, T>{.a = q.columns_part(h * of_.size(), of_.still), .b = w.rows_part(h * each, of_.still),
                                                .c = over.columns_part(h * wide, rank_)});
        p.device.rows(1, op::absorb_query<T>{q, over, p.batch.positions, p.cosine, p.sine, of_, rank_, half(p)});
        index_t const first = kind_.window > 0 ? std::max<index_t>(0, p.cache.used + 1 - kind_.window) : 0;
        p.device.rows(of_.heads, op::cached_attention<T>{.qkv = over, .cache = kept, .scores = p.cache.scores, .output = found, .first = first,
                                                         .last = p.cache.used, .kv_heads = 1, .size = wide, .scale = scale(p),
                                                         .value_size = rank_, .value_column = 0});
        for (index_t h = 0; h < of_.heads; ++h)
            p.device.gemm(gemm_problem<T, T, T>{.a = found.columns_part(h * rank_, rank_), .b = w.rows_part(h * each + of_.still, of_.values),
                                                .b_is = operand::transposed, .c = answer.columns_part(h * of_.values, of_.values)});
        return answer;
    }

    latent_query     query_;
    linear           down_;
    rmsnorm          norm_;
    linear           up_, out_;
    op::latent_heads of_;
    index_t          rank_;
    layer_kind       kind_;
    double           multiplier_;
};

/// The attention that a shape's `latent` says, under the names of DeepSeek-V2 and V3.
template <class Shape>
latent_attention make_latent_attention(layer_place const& to, Shape const& s) {
    latent_shape const m = s.latent;
    check_latent(m);
    check(layer_of(s, to.n).keys_from < 0, "layers with latent attention make their own keys and values");
    op::latent_heads const of{s.heads, m.still, head_size_of(s), m.value_size, m.pairs_side_by_side};
    index_t const          b = to.bucket(), q = of.heads * of.size(), kv = of.heads * (of.still + of.values), w = s.width;
    auto const             self = to.at + "self_attn.";
    auto const             make = [&](char const* name, index_t inputs, index_t outputs, bool bias, double deviation, index_t head_rows = 0) {
        return linear(to.layout, b, inputs, outputs, detail::parts_of(self, ".weight", {{name, outputs}}, true, head_rows),
                      detail::parts_of(self, ".bias", {{name, outputs}}, bias), deviation);
    };
    auto const norm = [&](char const* name, index_t width) { return rmsnorm(to.layout, b, width, self + name, m.norm_epsilon); };
    bool const low  = m.query_rank > 0;
    std::optional<linear> down;
    rmsnorm               between;
    if (low) down = make("q_a_proj", w, m.query_rank, s.qkv_bias, s.deviation), between = norm("q_a_layernorm", m.query_rank);
    latent_query const query(down, between, make(low ? "q_b_proj" : "q_proj", low ? m.query_rank : w, q, false, s.deviation, of.size()));
    auto const kv_down = make("kv_a_proj_with_mqa", w, m.rank + of.turning, s.qkv_bias, s.deviation);
    auto const kv_norm = norm("kv_a_layernorm", m.rank);
    auto const kv_up   = make("kv_b_proj", m.rank, kv, false, s.deviation, of.still + of.values);
    auto const out     = make("o_proj", of.heads * of.values, w, s.out_bias, deviation_of_outputs(s));
    return {query, kv_down, kv_norm, kv_up, out, of, m.rank, s.attention_multiplier, layer_of(s, to.n)};
}

}  // namespace midtrain::inline MT_ABI::model
