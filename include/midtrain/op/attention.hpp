#pragma once
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/problem/attention.hpp>

namespace midtrain::inline MT_ABI::op {

/// The reference: one (head, token) a team, no memory beyond the result. The work is quadratic in length and each score is
/// computed twice; devices have tuned ways.
template <class T, class Modifier = unmodified, class Distance = as_they_stand>
struct attention_forward {
    attention_problem<T, Modifier, Distance> p;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t task) const {
        using C            = computed_t<T>;
        auto const    a    = p;
        index_t const tokens = a.sequences * a.length;
        index_t const head = task / tokens, t = task % tokens, kv = head / a.group();
        index_t const base = t / a.length * a.length, first = base + a.first(t), n = t - first + 1;
        auto const rows = a.scores(t, head);
        auto const score = [=](index_t j) {
            C         s    = 0;
            int const form = a.form(t, t - first - j), of_key = a.distance.key_form(form);
            for (index_t i = 0; i < a.head_size; ++i)
                s += C(a.qkv(t, a.query_column(head, form) + i)) * C(a.qkv(first + j, a.key_column(kv, of_key) + i));
            return rows.score(s * a.scale, t - first - j);
        };
        C const top   = team.reduce(n, largest{}, score);
        C const total = team.reduce(n, sum{}, [=](index_t j) { return exponential(score(j) - top); });
        if (team.leads()) a.log_sum(head, t) = top + logarithm(total);
        for (index_t i = 0; i < a.values(); ++i) {
            C const value = team.reduce(n, sum{}, [=](index_t j) {
                return exponential(score(j) - top) * C(a.qkv(first + j, a.value_column(kv) + i));
            });
            if (team.leads()) a.output(t, a.output_column(head) + i) = T(value / total);
        }
    }
};

/// d(score) of query t of a head against key j, and the probability itself: what both halves of backward need.
template <class T, class Modifier = unmodified>
struct attention_slope {
    attention_gradient_problem<T, Modifier> g;

    struct result {
        computed_t<T> probability, slope;
    };
    MT_HOST_DEVICE result operator()(index_t head, index_t t, index_t j) const {
        using C          = computed_t<T>;
        auto const& a    = g.forward;
        index_t const kv = head / a.group();
        C s = 0, along = 0;
        for (index_t i = 0; i < a.head_size; ++i) s += C(a.qkv(t, a.query_column(head) + i)) * C(a.qkv(j, a.key_column(kv) + i));
        for (index_t i = 0; i < a.values(); ++i)
            along += C(g.output_gradient(t, a.output_column(head) + i)) * C(a.qkv(j, a.value_column(kv) + i));
        auto const rows        = a.scores(t, head);
        C const    probability = exponential(rows.score(s * a.scale, t - j) - a.log_sum(head, t));
        return {probability, probability * (along - g.dot(head, t)) * a.scale * rows.slope(s * a.scale, t - j)};
    }
};

/// dot(head, token) = sum(output * output_gradient). One (head, token) a team.
template <class T, class Modifier = unmodified>
struct attention_dot {
    attention_gradient_problem<T, Modifier> g;
    static constexpr index_t row_values = 256;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t task) const {
        using C              = computed_t<T>;
        auto const    self   = g;
        index_t const tokens = g.forward.sequences * g.forward.length;
        index_t const head = task / tokens, t = task % tokens, column = g.forward.output_column(head);
        C const value = team.reduce(g.forward.values(), sum{}, [=](index_t i) {
            return C(self.forward.output(t, column + i)) * C(self.output_gradient(t, column + i));
        });
        if (team.leads()) self.dot(head, t) = value;
    }
};

/// The queries' gradient. One (head, token) a team.
template <class T, class Modifier = unmodified>
struct attention_query_backward {
    attention_gradient_problem<T, Modifier> g;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t task) const {
        using C              = computed_t<T>;
        auto const    a      = g.forward;
        auto const    out    = g.qkv_gradient;
        index_t const tokens = a.sequences * a.length;
        index_t const head = task / tokens, t = task % tokens, kv = head / a.group();
        index_t const first = t / a.length * a.length + a.first(t);
        attention_slope<T, Modifier> const slope{g};
        team.each(a.head_size, [=](index_t i) {
            C total = 0;
            for (index_t j = first; j <= t; ++j) total += slope(head, t, j).slope * C(a.qkv(j, a.key_column(kv) + i));
            out(t, a.query_column(head) + i) = T(total);
        });
    }
};

/// The keys' and values' gradient, summed over the heads of the group. One (kv head, token) a team.
template <class T, class Modifier = unmodified>
struct attention_key_backward {
    attention_gradient_problem<T, Modifier> g;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t task) const {
        using C              = computed_t<T>;
        auto const    self   = g;
        auto const    a      = g.forward;
        index_t const tokens = a.sequences * a.length;
        index_t const kv = task / tokens, j = task % tokens, base = j / a.length * a.length, last = base + a.length;
        attention_slope<T, Modifier> const slope{g};
        index_t const size = a.head_size, values = a.values();
        team.each(size > values ? size : values, [=](index_t i) {
            C key = 0, value = 0;
            for (index_t head = kv * a.group(); head < (kv + 1) * a.group(); ++head)
                for (index_t t = j; t < last; ++t) {
                    if (base + a.first(t) > j) continue;
                    auto const s = slope(head, t, j);
                    if (i < size) key += s.slope * C(a.qkv(t, a.query_column(head) + i));
                    if (i < values) value += s.probability * C(self.output_gradient(t, a.output_column(head) + i));
                }
            if (i < size) self.qkv_gradient(j, a.key_column(kv) + i) = T(key);
            if (i < values) self.qkv_gradient(j, a.value_column(kv) + i) = T(value);
        });
    }
};

}  // namespace midtrain::inline MT_ABI::op

namespace midtrain::inline MT_ABI {

template <class Device, class T, class Modifier, class Distance>
void plain(Device& device, attention_problem<T, Modifier, Distance> const& p) {
    device.rows(p.heads * p.sequences * p.length, op::attention_forward<T, Modifier, Distance>{p});
}

template <class Device, class T, class Modifier>
void plain(Device& device, attention_gradient_problem<T, Modifier> const& g) {
    auto const tokens = g.forward.sequences * g.forward.length;
    device.rows(g.forward.heads * tokens, op::attention_dot<T, Modifier>{g});
    device.rows(g.forward.heads * tokens, op::attention_query_backward<T, Modifier>{g});
    device.rows(g.forward.kv_heads * tokens, op::attention_key_backward<T, Modifier>{g});
}

}  // namespace midtrain::inline MT_ABI
