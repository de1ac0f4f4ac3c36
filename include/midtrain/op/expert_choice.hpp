#pragma once
#include <cstdint>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/expert_shape.hpp>

namespace midtrain::inline MT_ABI::op {

/// scores = softmax(logits) or sigmoid(logits), their sum, and log(sum(exp(logits))). One token a team.
template <class C>
struct router_score {
    static constexpr index_t row_values = 128;

    matrix_view<C const> logits;   // (tokens, experts)
    matrix_view<C>       scores;   // (tokens, experts)
    row_view<C>          total;    // (tokens): 1 for softmax
    row_view<C>          log_sum;  // (tokens)
    router_scores        kind;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        index_t const n   = logits.columns;
        auto const    in  = logits.row(t).data;
        auto const    out = scores.row(t).data;
        C const       top = team.reduce(n, largest{}, [=](index_t i) { return in[i]; });
        C const       all = team.reduce(n, sum{}, [=](index_t i) { return exponential(in[i] - top); });
        C             sum_of = C(1);
        if (kind == router_scores::softmax) {
            C const by = C(1) / all;
            team.each(n, [=](index_t i) { out[i] = exponential(in[i] - top) * by; });
        } else {
            team.each(n, [=](index_t i) { out[i] = logistic(in[i]); });
            sum_of = team.reduce(n, sum{}, [=](index_t i) { return out[i]; });
        }
        if (!team.leads()) return;
        total[t]   = sum_of;
        log_sum[t] = top + logarithm(all);
    }
};

/// One of several by its value; of equal ones the first. No index: none.
template <class C>
struct candidate {
    C            value = 0;
    std::int32_t index = -1;
};
struct better {
    template <class T>
    MT_HOST_DEVICE static constexpr T identity() { return T{}; }
    template <class T>
    MT_HOST_DEVICE static constexpr T combine(T a, T b) {
        if (a.index < 0 || b.index < 0) return a.index < 0 ? b : a;
        return b.value > a.value || (b.value == a.value && b.index < a.index) ? b : a;
    }
};
/// The best of value(first .. first + n - 1), among those that are open, that comes after `last` in the order of values, then of indices.
template <class C, class Team, class Open, class Value>
MT_HOST_DEVICE candidate<C> next_best(Team const& team, index_t first, index_t n, candidate<C> last, Open open, Value value) {
    return team.reduce(n, better{}, [=](index_t i) {
        auto const at = static_cast<std::int32_t>(first + i);
        if (!open(at)) return candidate<C>{};
        C const    v     = value(at);
        bool const after = last.index < 0 || v < last.value || (v == last.value && at > last.index);
        return after ? candidate<C>{v, at} : candidate<C>{};
    });
}

/// The experts of a token by score + bias, best first; of equal ones the first. Where no number compares, as after a loss that is none,
/// any expert: an index is always in range. One token a team.
template <class C, class B>
struct expert_choice {
    static constexpr index_t row_values = 128;

    matrix_view<C const>      scores;  // (tokens, experts)
    row_view<B const>         bias;    // (experts), or empty
    matrix_view<std::int32_t> chosen;  // (tokens, chosen)
    expert_groups             grouping   = expert_groups::none;
    index_t                   groups     = 1;
    index_t                   top_groups = 1;
    index_t                   group_best = 1;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const    s     = scores.row(t).data;
        auto const    b     = bias.size() > 0 ? bias.data : nullptr;
        auto const    out   = chosen.row(t).data;
        index_t const n     = scores.columns, k = chosen.columns, size = n / groups;
        auto const    value = [=](index_t e) { return b ? s[e] + C(b[e]) : s[e]; };
        if (grouping == expert_groups::each) {
            for (index_t g = 0; g < groups; ++g) take(team, g * size, size, out + g * (k / groups), k / groups, ~0ull, size, value);
            return;
        }
        std::uint64_t const open = grouping == expert_groups::best ? best_groups(team, size, value) : ~0ull;
        take(team, 0, n, out, k, open, grouping == expert_groups::best ? size : n, value);
    }

  private:
    /// The k best of n experts from `first` on that lie in open groups of `size`.
    template <class Team, class Value>
    static MT_HOST_DEVICE void take(Team const& team, index_t first, index_t n, std::int32_t* out, index_t k, std::uint64_t open,
                                    index_t size, Value value) {
        candidate<C> last{};
        for (index_t j = 0; j < k; ++j) {
            auto const found =
                next_best(team, first, n, last, [=](index_t e) { return ((open >> (e / size)) & 1u) != 0; }, value);
            last = found.index < 0 ? candidate<C>{last.value, static_cast<std::int32_t>(first + j)} : found;
            if (team.leads()) out[j] = last.index;
        }
    }
    /// The groups that a token may choose from, a bit each.
    template <class Team, class Value>
    MT_HOST_DEVICE std::uint64_t best_groups(Team const& team, index_t size, Value value) const {
        C of_group[expert_shape::most_groups];
        for (index_t g = 0; g < groups; ++g) {
            candidate<C> last{};
            C            all = 0;
            for (index_t j = 0; j < group_best; ++j) {
                last = next_best(team, g * size, size, last, [](index_t) { return true; }, value);
                all += last.value;
            }
            of_group[g] = all;
        }
        std::uint64_t open = 0;
        for (index_t j = 0; j < top_groups; ++j) {
            index_t best = -1;
            for (index_t g = 0; g < groups; ++g)
                if (!((open >> g) & 1u) && (best < 0 || of_group[g] > of_group[best])) best = g;
            open |= 1ull << best;
        }
        return open;
    }
};

/// What a token's experts weigh: their scores, which sum to one where they are renormalised, times a scale, and a learned one of each
/// expert. One token a team.
template <class C, class T>
struct expert_weights {
    static constexpr index_t row_values = 16;

    matrix_view<C const>            scores;   // (tokens, experts)
    matrix_view<std::int32_t const> chosen;   // (tokens, chosen)
    row_view<T const>               scales;   // (experts), or empty
    matrix_view<C>                  weights;  // (tokens, chosen)
    C                               scale;
    bool                            renormalise;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const    s  = scores.row(t).data;
        auto const    at = chosen.row(t).data;
        auto const    w  = weights.row(t).data;
        auto const    by = scales.size() > 0 ? scales.data : nullptr;
        C const       all = renormalise ? team.reduce(chosen.columns, sum{}, [=](index_t j) { return s[at[j]]; }) + C(1e-20) : C(1);
        C const       one = scale / all;
        team.each(chosen.columns, [=](index_t j) { w[j] = one * s[at[j]] * (by ? C(by[at[j]]) : C(1)); });
    }
};

}  // namespace midtrain::inline MT_ABI::op
