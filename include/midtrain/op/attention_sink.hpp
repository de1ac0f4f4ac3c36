#pragma once
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>

// A learned logit of each head that stands among the scores and has no value behind it (gpt-oss, section 2.1; Xiao et al. 2023, "SinkAttention").
// With b the logit and L the log of the softmax's sum without it, attention is that without a sink, times exp(L) / (exp(L) + exp(b)), and the
// sum becomes log(exp(L) + exp(b)): so it stands behind any way of attention, and the gradient by q, k and v is attention's own with these two.
namespace midtrain::inline MT_ABI::op {

/// One token a team.
template <class T>
struct attention_sink_forward {
    row_view<T const>          logit;    // (heads)
    matrix_view<T>             output;   // (tokens, heads * size)
    matrix_view<computed_t<T>> log_sum;  // (heads, tokens)
    index_t                    size;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        using C = computed_t<T>;
        for (index_t h = 0; h < log_sum.rows; ++h) {
            auto const out = output.row(t).data + h * size;
            C const    l = log_sum(h, t), b = C(logit[h]), share = logistic(l - b);
            team.each(size, [=](index_t i) { out[i] = T(C(out[i]) * share); });
            if (team.leads()) log_sum(h, t) = l > b ? l + logarithm(C(1) + exponential(b - l)) : b + logarithm(C(1) + exponential(l - b));
        }
    }
};

/// logit_gradient -= sum over tokens of exp(logit - log_sum) * sum(output * output_gradient), what its share of the softmax takes from the
/// others. One head a team, tokens in the team's order.
template <class T>
struct attention_sink_backward {
    row_view<T const>                logit;    // (heads)
    matrix_view<T const>             output, output_gradient;  // (tokens, heads * size)
    matrix_view<computed_t<T> const> log_sum;  // (heads, tokens), with the sink
    row_view<computed_t<T>>          logit_gradient;  // (heads)
    index_t                          size;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t h) const {
        using C         = computed_t<T>;
        auto const self = *this;
        C const    b    = C(logit[h]);
        C const    all  = team.reduce(output.rows, sum{}, [=](index_t t) {
            auto const y = self.output.row(t).data + h * self.size, d = self.output_gradient.row(t).data + h * self.size;
            C          along = 0;
            for (index_t i = 0; i < self.size; ++i) along += C(y[i]) * C(d[i]);
            return exponential(b - self.log_sum(h, t)) * along;
        });
        if (team.leads()) logit_gradient[h] -= all;
    }
};

}  // namespace midtrain::inline MT_ABI::op
