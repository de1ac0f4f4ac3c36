#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/op/expert_order.hpp>
#include <midtrain/problem/expert_shape.hpp>

namespace midtrain::inline MT_ABI::op {

/// The gradient of a router's logits: of the weights of a token's experts, of the balance losses by way of scores that sum to one, and of
/// the z-loss. With v(j) the scores of the chosen, which sum to one where they are renormalised:
///   du(j) = (dv(j) - sum dv v) / (sum of the chosen scores), or dv(j);  softmax: dl = s (ds - sum ds s);  sigmoid: dl = ds s (1 - s).
/// What was chosen is held fixed. One token a team.
template <class T>
struct router_backward {
    using C = computed_t<T>;
    static constexpr index_t row_values = 128;

    matrix_view<C const>            logits, scores;  // (tokens, experts)
    row_view<C const>               total, log_sum;  // (tokens)
    matrix_view<std::int32_t const> chosen;   // (tokens, chosen)
    matrix_view<C const>            dweight;  // (tokens, chosen)
    row_view<std::int32_t const>    place;    // (tokens * chosen): -1 where a choice was dropped
    row_view<T const>               scales;   // (experts), or empty
    matrix_view<C const>            slope;    // (sequences, experts), or empty: of the balance losses
    matrix_view<T>                  dlogits;  // (tokens, experts)
    C                               scale;    // of the weights
    C                               z;        // 2 * weight of the z-loss * share / tokens
    router_scores                   kind;
    bool                            renormalise;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const    self = *this;
        index_t const n = scores.columns, k = chosen.columns, sequence = slope.rows > 0 ? t / (scores.rows / slope.rows) : 0;
        auto const    s   = scores.row(t).data;
        auto const    l   = logits.row(t).data;
        auto const    at  = chosen.row(t).data;
        auto const    out = dlogits.row(t).data;
        auto const    a   = slope.rows > 0 ? slope.row(sequence).data : nullptr;
        auto const    dv  = [=](index_t j) {
            if (self.place[t * k + j] < 0) return C(0);
            return self.scale * self.dweight(t, j) * (self.scales.size() > 0 ? C(self.scales[at[j]]) : C(1));
        };
        C const all   = renormalise ? team.reduce(k, sum{}, [=](index_t j) { return s[at[j]]; }) + C(1e-20) : C(1);
        C const inner = renormalise ? team.reduce(k, sum{}, [=](index_t j) { return dv(j) * s[at[j]]; }) / all : C(0);
        auto const of_weights = [=](index_t e) {
            C d = 0;
            for (index_t j = 0; j < k; ++j)
                if (at[j] == e) d += (dv(j) - inner) / all;
            return d;
        };
        C const calm = z * log_sum[t], level = log_sum[t];
        if (kind == router_scores::softmax) {
            C const dot = team.reduce(n, sum{}, [=](index_t e) { return s[e] * (of_weights(e) + (a ? a[e] : C(0))); });
            team.each(n, [=](index_t e) { out[e] = T(s[e] * (of_weights(e) + (a ? a[e] : C(0)) - dot + calm)); });
        } else {
            C const one = C(1) / total[t];
            C const dot = a ? team.reduce(n, sum{}, [=](index_t e) { return a[e] * s[e]; }) * one : C(0);
            team.each(n, [=](index_t e) {
                C const d = of_weights(e) + (a ? (a[e] - dot) * one : C(0));
                out[e]    = T(d * s[e] * (C(1) - s[e]) + calm * exponential(l[e] - level));
            });
        }
    }
};

/// gradient(e) += the sum over an expert's rows of dweight times the weight without the expert's own scale. One expert a team.
template <class C>
struct expert_scale_backward {
    matrix_view<C const> scores;   // (tokens, experts)
    row_view<C const>    dweight;  // (tokens * chosen)
    expert_order         order;
    row_view<C>          gradient;  // (experts)
    index_t              chosen;
    C                    scale;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t e) const {
        auto const    self  = *this;
        index_t const first = order.begin[e];
        C const       all   = team.reduce(order.begin[e + 1] - first, sum{}, [=](index_t i) {
            index_t const c = self.order.choice[first + i];
            return self.dweight[c] * self.scores(c / self.chosen, e);
        });
        if (team.leads()) gradient[e] += scale * all;
    }
};

}  // namespace midtrain::inline MT_ABI::op
