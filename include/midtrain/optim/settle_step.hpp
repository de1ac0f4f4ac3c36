#pragma once
#include <cstdint>
#include <midtrain/core/scalar.hpp>
#include <midtrain/core/monoid.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/optim/step_scalars.hpp>

// From sums of squares of parts to what a step does with its gradient, without asking the host.
namespace midtrain::inline MT_ABI {

/// to(r) = sum of 4096 values in double: what lies between many parts and one team.
template <class C>
struct sum_of_part {
    static constexpr index_t values = 4096;

    row_view<C const> x;   // (n)
    row_view<double>  to;  // (n / 4096, rounded up)

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t r) const {
        auto const    in = x.data + r * values;
        index_t const n  = x.size() - r * values < values ? x.size() - r * values : values;
        double const  s  = team.reduce(n, sum{}, [=](index_t i) { return static_cast<double>(in[i]); });
        if (team.leads()) to[r] = s;
    }
};

/// norm = root of the sum of parts. One team.
struct root_of_parts {
    row_view<double const> parts;
    double*                norm;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t) const {
        auto const   p     = parts;
        double const total = team.reduce(p.size(), sum{}, [=](index_t i) { return p[i]; });
        if (team.leads()) *norm = root(total);
    }
};

/// The scalars' factor from their limit, as torch's clip_grad_norm_ has it, and whether the step applies: not if the loss or the norm is no
/// number, nor ever after such a step, so that the weights stay as they were before it. One team.
struct settle_step {
    row_view<double const> losses;  // sums of the step
    double const*          norm;
    step_scalars*          scalars;
    std::int32_t*          halted;

    template <class Team>
    MT_HOST_DEVICE void operator()(Team const& team, index_t) const {
        auto const   l    = losses;
        double const loss = team.reduce(l.size(), sum{}, [=](index_t i) { return l[i]; });
        if (!team.leads()) return;
        double const n = *norm, factor = scalars->clip_limit / (n + 1e-6);
        scalars->clip_factor = scalars->clip_limit > 0 && factor < 1 ? factor : 1.0;
        if (!(n - n == 0 && loss - loss == 0)) *halted = 1;
        scalars->applies = *halted == 0;
    }
};

}  // namespace midtrain::inline MT_ABI
