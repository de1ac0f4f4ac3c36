#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/op/column_tile.hpp>

// The causal convolution of each channel before a state space: y = silu(bias + sum over j of taps(j) x(t - taps + 1 + j)), in which nothing
// before a document's first token is seen.
namespace midtrain::inline MT_ABI::op {

/// The sum of rows times rows, value by value; what is not seen counts zero times, so that a loop over values has no branch.
template <class T, int n>
struct weighted_rows {
    T const*      row[n];
    T const*      by[n];
    computed_t<T> seen[n];

    MT_HOST_DEVICE computed_t<T> operator()(index_t c) const {
        using C = computed_t<T>;
        C total = 0;
        for (int j = 0; j < n; ++j) total += seen[j] * C(row[j][c]) * C(by[j][c]);
        return total;
    }
};

/// What forward and backward read.
template <class T>
struct short_convolution {
    static constexpr int most_taps = 8;

    matrix_view<T const>         x;               // (tokens, channels)
    matrix_view<T const>         taps;            // (taps, channels), the newest token's last
    row_view<T const>            bias;            // (channels), or none
    row_view<std::int32_t const> document_begin;  // (tokens); none: a sequence is one document
    matrix_view<T const>         before;          // (taps - 1, channels): the inputs before the first token; without data there are none
    index_t                      length;

    /// How many tokens before token t it sees, at most taps - 1.
    MT_HOST_DEVICE index_t reach(index_t t) const {
        index_t const at = t % length, begin = document_begin.data ? document_begin.data[t] : 0, all = taps.rows - 1;
        return before.data || at - begin > all ? all : at - begin;
    }
    /// The input of `back` tokens before t.
    MT_HOST_DEVICE T const* input(index_t t, index_t back) const {
        index_t const at = t % length - back;
        return at >= 0 ? x.row(t - back).data : before.row(taps.rows - 1 + at).data;
    }
    MT_HOST_DEVICE T const* tap(index_t back) const { return taps.row(taps.rows - 1 - back).data; }

    /// What makes the sum of token t.
    template <int n>
    MT_HOST_DEVICE weighted_rows<T, n> seen_from(index_t t) const {
        weighted_rows<T, n> w;
        for (index_t j = 0; j < n; ++j) {
            bool const seen = j < taps.rows && j <= reach(t);
            w.row[j]        = input(t, seen ? j : 0);
            w.by[j]         = tap(seen ? j : 0);
            w.seen[j]       = seen ? computed_t<T>(1) : computed_t<T>(0);
        }
        return w;
    }
    /// What makes the gradient of token t's input, from that of the sums.
    template <int n>
    MT_HOST_DEVICE weighted_rows<T, n> seeing(index_t t, matrix_view<T const> d) const {
        weighted_rows<T, n> w;
        index_t const       left = length - 1 - t % length;
        for (index_t j = 0; j < n; ++j) {
            bool const sees = j < taps.rows && j <= left && j <= reach(t + (j <= left ? j : 0));
            w.row[j]        = d.row(sees ? t + j : t).data;
            w.by[j]         = tap(sees ? j : 0);
            w.seen[j]       = sees ? computed_t<T>(1) : computed_t<T>(0);
        }
        return w;
    }
    /// Calls f(channel, sum before silu) for all channels of token t.
    template <class Team, class F>
    MT_HOST_DEVICE void sums(Team const& team, index_t t, F f) const {
        using C      = computed_t<T>;
        auto const b = bias.data;
        auto const n = x.columns;
        if (taps.rows <= 4) {
            auto const w = seen_from<4>(t);
            team.each(n, [=](index_t c) { f(c, w(c) + (b ? C(b[c]) : C(0))); });
        } else {
            auto const w = seen_from<most_taps>(t);
            team.each(n, [=](index_t c) { f(c, w(c) + (b ? C(b[c]) : C(0))); });
        }
    }
};

/// One token a team.
template <class T>
struct short_convolution_forward {
    short_convolution<T> of;
    matrix_view<T>       y;  // (tokens, channels)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const out = y.row(t).data;
        of.sums(team, t, [=](index_t c, computed_t<T> s) { out[c] = T(s * logistic(s)); });
    }
};

/// In place, the gradient of y becomes that of the sum before silu. One token a team.
template <class T>
struct short_convolution_sum_backward {
    short_convolution<T> of;
    matrix_view<T>       d;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        using C        = computed_t<T>;
        auto const out = d.row(t).data;
        of.sums(team, t, [=](index_t c, C s) {
            C const l = logistic(s);
            out[c]    = T(C(out[c]) * l * (C(1) + s * (C(1) - l)));
        });
    }
};

/// dx from the gradient of the sums. One token a team.
template <class T>
struct short_convolution_backward {
    short_convolution<T> of;
    matrix_view<T const> d;
    matrix_view<T>       dx;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t t) const {
        auto const out = dx.row(t).data;
        if (of.taps.rows <= 4) {
            auto const w = of.template seeing<4>(t, d);
            team.each(dx.columns, [=](index_t c) { out[c] = T(w(c)); });
        } else {
            auto const w = of.template seeing<short_convolution<T>::most_taps>(t, d);
            team.each(dx.columns, [=](index_t c) { out[c] = T(w(c)); });
        }
    }
};

/// Sums over 64 tokens of what their gradients give to the taps and, last, to the bias: (parts, taps + 1, channels). One part a team.
template <class T>
struct short_convolution_parts {
    static constexpr index_t tokens = 64;

    short_convolution<T>       of;
    matrix_view<T const>       d;
    row_view<computed_t<T>>    parts;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t part) const {
        using C             = computed_t<T>;
        index_t const n     = of.x.columns, taps = of.taps.rows, last = (part + 1) * tokens;
        auto const    total = parts.data + part * (taps + 1) * n;
        team.each((taps + 1) * n, [=](index_t i) { total[i] = C(0); });
        for (index_t t = part * tokens; t < d.rows && t < last; ++t) {
            auto const from = d.row(t).data;
            for (index_t back = 0; back <= of.reach(t); ++back) {
                auto const in = of.input(t, back);
                auto const to = total + (taps - 1 - back) * n;
                team.each(n, [=](index_t c) { to[c] += C(from[c]) * C(in[c]); });
            }
            team.each(n, [=](index_t c) { total[taps * n + c] += C(from[c]); });
        }
    }
};

/// Before the next tokens of a sequence: `kept` (taps - 1, channels) holds the newest inputs. 32 channels a team.
template <class T>
struct keep_inputs {
    static constexpr index_t row_values = column_tile;

    matrix_view<T const> x;
    matrix_view<T>       kept;
    bool                 goes_on;  // what is kept stands before x

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t at) const {
        auto const    self  = *this;
        index_t const begin = at * column_tile, left = x.columns - begin;
        team.each(left < column_tile ? left : column_tile, [=](index_t i) {
            index_t const c = begin + i, n = self.kept.rows, tokens = self.x.rows;
            for (index_t j = 0; j < n; ++j) {
                index_t const t = tokens - n + j;
                self.kept(j, c) = t >= 0 ? self.x(t, c) : self.goes_on ? self.kept(j + tokens, c) : T(0.0f);
            }
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op
