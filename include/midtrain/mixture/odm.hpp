#pragma once
#include <cstddef>
#include <cstdint>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/arithmetic.hpp>
#include <midtrain/mixture/looking_back.hpp>
#include <midtrain/mixture/sources.hpp>

namespace midtrain::inline MT_ABI::mixture {

/// Sources as arms of a bandit whose reward is the loss: what is still hard is drawn more (Albalak et al. 2023, "Efficient Online Data
/// Mixing", algorithm 1, which is Exp3). After window t of `hold` steps, for K sources with a prior above zero,
///     reward_i <- memory * reward_i + (1 - memory) * loss_i / w_i        for each source that was drawn
///     e_t       = min(1 / K, sqrt(log K / (K t)))
///     w_i       = (1 - K e_t) exp(e_{t-1} reward_i) / sum + e_t,         e_0 = 1 / K.
/// t counts as in the authors' code, which updates after a turn. The paper draws single batches; here each source that was drawn is
/// rewarded. The prior holds for the first `warmup` steps, in whole windows, whose losses do not count. Cost: all rows of the stage once a
/// window.
template <template <class> class Sources>
struct odm_mixture {
    Sources<midtrain::weight> prior;
    required<std::int64_t>    hold;          ///< steps
    double                    memory = 0.9;  ///< the paper's alpha
    std::int64_t              warmup = 0;    ///< steps

    constexpr auto weights(progress at, loss_record const& so_far = {}) const {
        auto              w      = as_array(prior), reward = w;
        double const      sum    = sum_of(w), arms = count(w);
        loss_record const rows   = so_far.in_stage();
        double            before = 1 / arms;
        for (double& r : reward) r = 0;
        std::int64_t const first = hold > 0 ? (warmup + hold - 1) / hold : 0;
        for (std::int64_t n = first, t = 1; n < windows_done(at, so_far, hold); ++n, ++t) {
            for (std::size_t i = 0; i < w.size(); ++i)
                if (double const loss = window_loss(rows, n, hold, i); loss - loss == 0 && w[i] > 0)
                    reward[i] = memory * reward[i] + (1 - memory) * loss / w[i];
            double const now = exploration(arms, static_cast<double>(t));
            w      = chosen(w, reward, before, now, arms, sum);
            before = now;
        }
        return w;
    }
    constexpr std::int64_t window() const { return hold; }
    constexpr mixture_flaw flaw(progress) const {
        if (!(hold >= 1)) return mixture_flaw::no_window;
        return memory >= 0 && memory < 1 && warmup >= 0 ? mixture_flaw::none : mixture_flaw::share_outside;
    }

    // Below: parts of the above. Public, so that the policy stays an aggregate.
    template <class Weights>
    static constexpr double count(Weights const& w) {
        double arms = 0;
        for (double x : w) arms += x > 0;
        return arms;
    }
    static constexpr double exploration(double arms, double t) {
        double const e = math::sqrt(math::log(arms) / (arms * t));
        return e < 1 / arms ? e : 1 / arms;
    }
    // A source without weight is no arm, and stays without.
    template <class Weights>
    static constexpr Weights chosen(Weights w, Weights const& reward, double before, double now, double arms, double sum) {
        double most = 0;
        for (double r : reward) most = r > most ? r : most;
        auto grown = w;
        for (std::size_t i = 0; i < w.size(); ++i) grown[i] = w[i] > 0 ? math::exp(before * (reward[i] - most)) : 0.0;
        grown = scaled_to(grown, 1 - arms * now);
        for (std::size_t i = 0; i < w.size(); ++i)
            if (w[i] > 0) grown[i] += now;
        return scaled_to(grown, sum);
    }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::odm_mixture;
}
