#pragma once
#include <algorithm>
#include <cmath>
#include <utility>
#include <midtrain/concepts/score_modifier.hpp>
#include <midtrain/model/attention_sink.hpp>
#include <midtrain/model/decoder_shape.hpp>
#include <midtrain/model/head_norm.hpp>
#include <midtrain/model/key_exchange.hpp>
#include <midtrain/model/linear.hpp>
#include <midtrain/op/attention.hpp>
#include <midtrain/op/cached_attention.hpp>
#include <midtrain/op/rope.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/op/turn_apart.hpp>
#include <midtrain/problem/block_form.hpp>
#include <midtrain/problem/layer_kind.hpp>

namespace midtrain::inline MT_ABI::model {

/// Causal attention with grouped keys and values: heads == kv_heads is multi-head, kv_heads == 1 multi-query.
/// One matrix makes queries, keys and values; queries and keys may be normed before they turn or behind it, and each head may have a sink. A
/// Modifier has a say in the scores, and in evaluation a distance in how far apart tokens that turn seem, where no window keeps them near.
/// Keys and values may be those of an earlier layer, as `shared` says; then the matrix makes queries alone.
template <class Modifier>
class modified_attention {
    static_assert(ScoreModifier<Modifier>,
                  "midtrain: what attention does to its scores is not a ScoreModifier: it needs  score(s, query, key, head) const  and  "
                  "slope(s, query, key, head) const, templates on the type of s, and numbers only.  The shortest one is unmodified in "
                  "midtrain/problem/score_row.hpp");

  public:
    modified_attention(linear qkv, linear out, index_t heads, index_t kv_heads, index_t head_size, layer_kind kind, head_norm norm = {},
                       Modifier modifier = {}, attention_sink sink = {}, double multiplier = 0, key_sharing shared = {})
        : qkv_(std::move(qkv)), out_(std::move(out)), norm_(norm), sink_(sink), exchange_(shared, heads * head_size),
          heads_(heads), kv_heads_(kv_heads), head_size_(head_size),
          multiplier_(multiplier > 0 ? multiplier : 1 / std::sqrt(static_cast<double>(head_size))), kind_(kind), modifier_(modifier) {}

    template <class Pass>
    auto forward(Pass& p, matrix_view<typename Pass::stored const> x) const {
        using T        = typename Pass::stored;
        auto const qkv = exchange_.joined(p, qkv_.forward(p, x));
        exchange_.lend(p, qkv, key_form::projected);
        norm_.forward(p, qkv, norm_when::before_turning);
        if (kind_.how == positions::rotary && p.distance.changes() && !turns_by_window(p)) {
            auto const wide = spread(p, qkv);
            norm_.forward(p, wide, norm_when::after_turning, p.distance.forms(), p.distance.key_forms());
            return out_.forward(p, matrix_view<T const>(answer(p, wide, p.distance)));
        }
        turn(p, qkv, op::turn::forward);
        norm_.forward(p, qkv, norm_when::after_turning);
        exchange_.lend(p, qkv, key_form::turned);
        if (p.cache.capacity > 0) return out_.forward(p, matrix_view<T const>(answer(p, qkv, as_they_stand{})));
        auto const problem = make(p, qkv, as_they_stand{});
        run(p.device, problem);
        sink_.forward(p, problem);
        p.save(problem);
        return out_.forward(p, matrix_view<T const>(problem.output));
    }

    template <class Pass>
    auto backward(Pass& p, matrix_view<typename Pass::stored const> dy) const {
        using T         = typename Pass::stored;
        auto const d    = out_.backward(p, dy);
        auto const f    = p.template take<attention_problem<T, Modifier>>();
        auto const dqkv = p.make(f.qkv.rows, f.qkv.columns);
        auto const dot  = p.template make<typename Pass::computed>(heads_, f.qkv.rows);
        sink_.backward(p, f, d);
        run(p.device, attention_gradient_problem<T, Modifier>{f, d, dqkv, dot});
        exchange_.backward(p, dqkv, key_form::turned);
        norm_.backward(p, dqkv, norm_when::after_turning);
        turn(p, dqkv, op::turn::backward);
        norm_.backward(p, dqkv, norm_when::before_turning);
        exchange_.backward(p, dqkv, key_form::projected);
        return qkv_.backward(p, matrix_view<T const>(exchange_.own(dqkv)));
    }

  private:
    /// Whether layers with a window have a table of their own, and this is one.
    template <class Pass>
    bool turns_by_window(Pass const& p) const {
        return kind_.window > 0 && p.window_cosine.rows > 0;
    }
    template <class Pass, class T>
    void turn(Pass& p, matrix_view<T> qkv, op::turn way) const {
        if (kind_.how != positions::rotary) return;
        index_t const all = exchange_.takes_turned() ? heads_ : heads_ + kv_heads_;
        if (turns_by_window(p)) {
            p.device.rows(qkv.rows, op::rope<T>{qkv, p.batch.positions, p.window_cosine, p.window_sine, all, head_size_, way});
            return;
        }
        index_t const turning = p.key_cosine.rows > 0 ? heads_ : all;
        p.device.rows(qkv.rows, op::rope<T>{qkv, p.batch.positions, p.cosine, p.sine, turning, head_size_, way});
        if (turning == all) return;
        auto const keys = qkv.columns_part(heads_ * head_size_, kv_heads_ * head_size_);
        p.device.rows(qkv.rows, op::rope<T>{keys, p.batch.positions, p.key_cosine, p.key_sine, kv_heads_, head_size_, way});
    }
    /// Turned once for each form in which tokens see each other.
    template <class Pass, class T>
    matrix_view<T> spread(Pass& p, matrix_view<T> qkv) const {
        auto const wide = p.make(qkv.rows, head_size_ * (p.distance.forms() * heads_ + (p.distance.key_forms() + 1) * kv_heads_));
        p.device.rows(qkv.rows, op::turn_apart<T, any_distance>{qkv, wide, p.batch.positions, p.cosine, p.sine, heads_, kv_heads_,
                                                                head_size_, p.distance});
        return wide;
    }
    /// Without a thought of backward. While tokens are generated their keys and values are kept, and a single new token looks at those
    /// kept before.
    template <class Pass, class T, class Distance>
    matrix_view<T> answer(Pass& p, matrix_view<T> qkv, Distance const& distance) const {
        if (p.cache.capacity > 0) {
            index_t const queries = distance.forms() * heads_ * head_size_, values = kv_heads_ * head_size_;
            auto const    kept    = exchange_.kept(p, qkv.columns - queries - values, values);
            if (!exchange_.takes_turned()) p.device.rows(qkv.rows, op::keep_keys_values<T>{qkv, kept.seen, p.cache.used, queries});
            if (p.cache.used > 0) return next(p, qkv, kept, distance);
        }
        auto const problem = make(p, qkv, distance);
        run(p.device, problem);
        sink_.forward(p, problem);
        return problem.output;
    }
    template <class Pass, class T, class Distance>
    matrix_view<T> next(Pass& p, matrix_view<T> qkv, key_exchange::place<T> const& kept, Distance const& distance) const {
        auto const    output = p.make(1, heads_ * head_size_);
        index_t const first  = kind_.window > 0 ? std::max<index_t>(0, p.cache.used + 1 - kind_.window) : 0;
        p.device.rows(heads_, op::cached_attention<T, Modifier, Distance>{
                                  .qkv = qkv, .cache = kept.seen, .scores = p.cache.scores, .output = output, .first = first, .last = p.cache.used,
                                  .kv_heads = kv_heads_, .size = head_size_, .scale = scale(p), .modifier = modifier_, .distance = distance,
                                  .sink = sink_.logits(p), .apart = kept.apart});
        return output;
    }
    template <class Pass, class T, class Distance>
    auto make(Pass& p, matrix_view<T> qkv, Distance const& distance) const {
        auto const output = p.make(qkv.rows, heads_ * head_size_);
        return attention_problem<T, Modifier, Distance>{
            .qkv = qkv, .document_begin = p.batch.document_begin, .output = output,
            .log_sum = p.template make<typename Pass::computed>(heads_, qkv.rows), .sequences = p.batch.sequences,
            .length = p.batch.length, .heads = heads_, .kv_heads = kv_heads_, .head_size = head_size_, .scale = scale(p),
            .window = kind_.window, .position = p.batch.positions, .modifier = modifier_, .distance = distance,
            .documents = p.batch.documents};
    }
    template <class Pass>
    auto scale(Pass const& p) const {
        return typename Pass::computed((turns_by_window(p) ? 1.0 : p.score_factor) * multiplier_);
    }

    linear         qkv_, out_;
    head_norm      norm_;
    attention_sink sink_;
    key_exchange   exchange_;
    index_t        heads_ = 0, kv_heads_ = 0, head_size_ = 0;
    double         multiplier_;
    layer_kind     kind_;
    [[no_unique_address]] Modifier modifier_;
};

using attention = modified_attention<unmodified>;

/// The attention of a shape's layers.
template <class Shape>
using attention_of = modified_attention<decltype(scores_of(std::declval<Shape const&>(), 0))>;

}  // namespace midtrain::inline MT_ABI::model
