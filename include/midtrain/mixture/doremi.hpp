#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/each.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/arithmetic.hpp>
#include <midtrain/mixture/looking_back.hpp>
#include <midtrain/mixture/sources.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// More of what the model is worse at than a reference model (Xie et al. 2023, "DoReMi", algorithm 1). After each `hold` steps,
///     w <- (1 - smoothing) * w * exp(step_size * max(loss - reference, 0)) / sum + smoothing * prior,
/// where loss is the source's mean over those steps; a source without one counts as no worse. The paper's prior is uniform, and it clips
/// the excess of each token where we clip that of the mean. Sources are drawn by w; in the paper w weighs their losses.
/// Cost: all rows of the stage once a window.
template <template <class> class Sources>
struct doremi_mixture {
    Sources<midtrain::weight> prior;
    Sources<each<double>>     reference;  ///< the reference model's loss by source, in nats a token
    required<std::int64_t>    hold;       ///< steps
    double                    step_size = 1;     ///< the paper's eta
    double                    smoothing = 1e-3;  ///< the paper's c

    constexpr auto weights(progress at, loss_record const& so_far = {}) const { return path(at, so_far).last; }
    /// Their mean over all windows, the one under way included: what the paper trains the large model with.
    constexpr auto mean_weights(progress at, loss_record const& so_far) const {
        auto const p = path(at, so_far);
        return scaled_to(p.sum, sum_of(p.last));
    }
    constexpr std::int64_t window() const { return hold; }
    constexpr mixture_flaw flaw(progress) const {
        if (!(hold >= 1)) return mixture_flaw::no_window;
        return step_size > 0 && smoothing >= 0 && smoothing <= 1 ? mixture_flaw::none : mixture_flaw::not_above_zero;
    }

    // Below: a part of the above. Public, so that the policy stays an aggregate.
    template <class Weights>
    struct walked {
        Weights last, sum;
    };
    constexpr auto path(progress at, loss_record const& so_far) const {
        auto const        u = as_array(prior), best = as_array(reference);
        loss_record const rows = so_far.in_stage();

        walked<std::remove_const_t<decltype(u)>> p{u, u};
        for (std::int64_t n = 0; n < windows_done(at, so_far, hold); ++n) {
            auto excess = u;
            for (std::size_t i = 0; i < excess.size(); ++i) {
                double const x = window_loss(rows, n, hold, i) - best[i];
                excess[i]      = x > 0 ? x : 0;
            }
            p.last = blended(grown(p.last, excess), u, smoothing);
            for (std::size_t i = 0; i < u.size(); ++i) p.sum[i] += p.last[i];
        }
        return p;
    }
    // w * exp(step_size * excess), scaled to w's sum; in logarithms of the largest, so that no excess is too large.
    template <class Weights>
    constexpr Weights grown(Weights w, Weights const& excess) const {
        double const sum  = sum_of(w);
        double       most = 0;
        for (double x : excess) most = x > most ? x : most;
        for (std::size_t i = 0; i < w.size(); ++i) w[i] *= math::exp(step_size * (excess[i] - most));
        return scaled_to(w, sum);
    }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::doremi_mixture;
}
