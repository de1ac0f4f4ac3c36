#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>

// Rows of tokens further on, for multi-token prediction. A token looks ahead within its document only.
namespace midtrain::inline MT_ABI::op {

/// Whether the token `ahead` places behind token t is of the same document.
struct same_document {
    row_view<std::int32_t const> begin;  // (tokens), as in token_batch
    index_t                      length, ahead;

    MT_HOST_DEVICE bool operator()(index_t t) const { return t % length + ahead < length && begin[t] == begin[t + ahead]; }
};

/// y(t) = x(t + ahead), or zeros beyond the document. One token a team.
template <class T>
struct look_ahead_forward {
    matrix_view<T const> x;
    matrix_view<T>       y;
    same_document        within;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        bool const there = within(t);
        auto const from  = there ? x.row(t + within.ahead).data : nullptr;
        auto const to    = y.row(t).data;
        team.each(y.columns, [=](index_t i) { to[i] = there ? from[i] : T(0.0f); });
    }
};

/// Its gradient, added to dx. One token a team.
template <class T>
struct look_ahead_backward {
    matrix_view<T const> dy;
    matrix_view<T>       dx;
    same_document        within;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        using C          = computed_t<T>;
        index_t const by = t - within.ahead;
        if (t % within.length < within.ahead || !within(by)) return;  // the same for all lanes of a team
        auto const from = dy.row(by).data;
        auto const to   = dx.row(t).data;
        team.each(dx.columns, [=](index_t i) { to[i] = T(C(to[i]) + C(from[i])); });
    }
};

/// The target of the token further on, or none. One token an element.
struct targets_ahead {
    row_view<std::int32_t const> targets;
    row_view<std::int32_t>       out;
    same_document                within;

    MT_HOST_DEVICE void operator()(index_t t) const { out[t] = within(t) ? targets[t + within.ahead] : std::int32_t{-1}; }
};

/// to(0) += the sum of losses, to(1) += how many there are. One team.
template <class C>
struct add_losses_ahead {
    row_view<C const>            losses;
    row_view<std::int32_t const> targets;
    row_view<double>             to;  // (2)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t) const {
        auto const   l = losses;
        auto const   g = targets;
        double const total = team.reduce(l.size(), sum{}, [=](index_t t) { return g[t] < 0 ? 0.0 : static_cast<double>(l[t]); });
        double const count = team.reduce(l.size(), sum{}, [=](index_t t) { return g[t] < 0 ? 0.0 : 1.0; });
        if (team.leads()) to[0] += total, to[1] += count;
    }
};

}  // namespace midtrain::inline MT_ABI::op
