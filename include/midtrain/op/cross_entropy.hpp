#pragma once
#include <cstdint>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/each_value.hpp>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/op/exponential_sum.hpp>

namespace midtrain::inline MT_ABI::op {

/// loss = log(sum(exp(logits))) - logits[target] + z * log(sum(exp(logits)))^2 for one row of a chunk of logits, and the
/// gradient of that, times weight / targets, in `gradient` (which may be empty: loss only). A target below zero: loss and gradient 0.
/// z is the weight of the z-loss (PaLM, section 5). One row a team.
template <class T>
struct cross_entropy {
    matrix_view<computed_t<T>>   logits;    // (rows, vocabulary); written over where there is a gradient, which may lie over them
    row_view<std::int32_t const> target;    // (rows)
    row_view<computed_t<T>>      loss;      // (rows): without the z term
    matrix_view<T>               gradient;  // (rows, vocabulary), or empty
    double const*                targets;   // in the global batch: on the device, so that a captured launch stays true; unread without gradient
    double                       weight;    // of these losses beside others
    computed_t<T>                z;
    static constexpr bool much_arithmetic = true;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        using C         = computed_t<T>;
        auto const n    = logits.columns;
        auto const in   = logits.row(r).data;
        auto const goal = static_cast<index_t>(target[r]);
        auto const out  = gradient.data ? gradient.row(r).data : nullptr;
        if (goal < 0) {
            if (team.leads()) loss[r] = C(0);
            if (out) each_value(team, n, [](C& to) { to = C(0); }, writes{out});
            return;
        }
        C const wanted = in[goal];  // before the team next meets: after that, lanes may overwrite the logits
        auto const finish = [&](exponential_sum<C> const& all, auto const& write) {
            C const log_z = all.top + logarithm(all.total);
            if (team.leads()) loss[r] = log_z - wanted;
            if (!out) return;
            C const share = C(weight / *targets);
            C const scale = share * (C(1) + C(2) * z * log_z) / all.total;
            write(all.top, scale);
            if (team.leads()) out[goal] = T(exponential(wanted - all.top) * scale - share);
        };
        if constexpr (requires { requires Team::is_a_loop; }) {
            if (out) {
                block_exponentials<C> const each(team, n, in);
                return finish(each.total(), [&](C, C scale) {
                    for (index_t b = 0; b < each.blocks(); ++b) {
                        C const factor = each.factor(b) * scale;
                        each_value(team, each.last(b) - each.first(b), [=](C& to, C x) { to = x * factor; }, writes{out + each.first(b)}, reads{in + each.first(b)});
                    }
                });
            }
        }
        finish(sum_exponentials(team, n, in), [&](C most, C scale) {
            each_value(team, n, [=](C& to, C x) { to = exponential(x - most) * scale; }, writes{out}, reads{in});
        });
    }
    index_t row_width() const { return logits.columns; }
};

}  // namespace midtrain::inline MT_ABI::op
