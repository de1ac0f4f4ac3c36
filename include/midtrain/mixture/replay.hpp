#pragma once
#include <cstddef>
#include <cstdint>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/each.hpp>
#include <midtrain/core/loss_record.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/arithmetic.hpp>
#include <midtrain/mixture/mixtures.hpp>
#include <midtrain/mixture/sources.hpp>

// Mixtures made of another one and a second set of weights.
namespace midtrain::inline MT_ABI::mixture {

namespace detail {

constexpr mixture_flaw share_flaw(double share) { return share >= 0 && share <= 1 ? mixture_flaw::none : mixture_flaw::share_outside; }

}  // namespace detail

/// (1 - share) * fresh + share * old: a mixture of new data that keeps a share of what the model was trained on before.
template <template <class> class Sources, class Policy = fixed_mixture<Sources>>
struct replay_mixture {
    Policy                    fresh;
    Sources<midtrain::weight> old;
    required<double>          share;

    constexpr auto weights(progress at, loss_record const& so_far = {}) const {
        return blended(weights_of(fresh, at, so_far), as_array(old), share);
    }
    constexpr std::int64_t window() const { return window_of(fresh); }
    constexpr mixture_flaw flaw(progress end) const {
        auto const f = detail::share_flaw(share);
        return f == mixture_flaw::none ? flaw_of(fresh, end) : f;
    }
};

/// share * candidate + (1 - share) * usual, over a short anneal: what a candidate source is worth is seen from what the model gains over
/// the same anneal on the usual mixture (Llama 3, section 3.1.3, and OLMo 2, section 4.4: "microannealing").
template <template <class> class Sources>
struct micro_anneal {
    Sources<midtrain::weight> candidate, usual;
    double                    share = 0.3;  ///< Llama 3's

    constexpr auto         weights(progress) const { return blended(as_array(usual), as_array(candidate), share); }
    constexpr mixture_flaw flaw(progress) const { return detail::share_flaw(share); }
};

/// Another mixture with the weight of each source times its factor, and the sum kept: a bucket drawn more often than its size asks for.
template <template <class> class Sources, class Policy = fixed_mixture<Sources>>
struct upsampled_mixture {
    Policy                    of;
    Sources<each<double>> factor;

    constexpr auto weights(progress at, loss_record const& so_far = {}) const {
        auto         w   = weights_of(of, at, so_far);
        double const sum = sum_of(w);
        auto const   by  = as_array(factor);
        for (std::size_t i = 0; i < w.size(); ++i) w[i] *= by[i];
        return scaled_to(w, sum);
    }
    constexpr std::int64_t window() const { return window_of(of); }
    constexpr mixture_flaw flaw(progress end) const {
        for (double x : as_array(factor))
            if (!(x >= 0)) return mixture_flaw::not_above_zero;
        return sum_of(weights(progress{0, {}, end.budget, {}})) > 0 ? flaw_of(of, end) : mixture_flaw::not_above_zero;
    }
};

}  // namespace midtrain::inline MT_ABI::mixture

namespace midtrain::inline MT_ABI {
using mixture::micro_anneal;
using mixture::replay_mixture;
using mixture::upsampled_mixture;
}  // namespace midtrain::inline MT_ABI
