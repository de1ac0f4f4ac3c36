#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/named_sources.hpp>
#include <midtrain/train/stage.hpp>

// The rules of mixtures; see rules.hpp.
namespace midtrain::inline MT_ABI::detail {

/// What a mixture says of itself.
template <class Stage, class Judge>
constexpr void judge_flaws(Stage const& s, Judge const& judge) {
    static_assert(FlawIfItHasFlaw<decltype(s.mixture)>,
                  "midtrain: stage.mixture has a member flaw, but not  mixture_flaw flaw(progress end) const");
    auto const         flaw   = flaw_of(s.mixture, s.at(s.steps()));
    std::int64_t const window = window_of(s.mixture);
    auto const         is     = [&](mixture_flaw f) { return flaw == f; };
    judge.template refuse_if<"the mixture switches outside the stage: it must be after the first token and before the last one">(
        is(mixture_flaw::switch_outside), s.name);
    judge.template refuse_if<"the points of the mixture are none, or not in order within the budget">(is(mixture_flaw::points_out_of_order),
                                                                                                    s.name);
    judge.template refuse_if<"the weights at a point of the mixture do not sum to one">(is(mixture_flaw::point_off), s.name);
    judge.template refuse_if<"a share of the mixture (replay, candidate, smoothing, memory, fallen_to) is not between 0 and 1">(
        is(mixture_flaw::share_outside), s.name);
    judge.template refuse_if<"a weight changes exponentially from zero or to zero, which no ratio does: take linear or cosine">(
        is(mixture_flaw::from_zero), s.name);
    judge.template refuse_if<"the sources have fewer tokens than the budget within their caps: allow more epochs, or lower the budget">(
        is(mixture_flaw::caps_too_low), s.name);
    judge.template refuse_if<"the floors of the mixture sum to more than one, or one is negative">(is(mixture_flaw::floors_too_high),
                                                                                                  s.name);
    judge.template refuse_if<"a size, factor, temperature, step size or number of epochs of the mixture is not above zero">(
        is(mixture_flaw::not_above_zero), s.name);
    judge.template refuse_if<"a mixture that looks back holds its weights for at least one step, and makes at most 10000 windows in a stage">(
        is(mixture_flaw::no_window) || (window > 0 && s.steps() / window > 10'000), s.name);
}

/// Adds the tokens by source that a stage's weights ask for: the mean of so many moments. One that looks back counts as it begins.
template <class Stage>
constexpr void add_tokens_asked(Stage const& s, std::int64_t moments, double* to) {
    std::int64_t const steps = s.steps();
    progress const     whole = s.at(0);
    for (std::int64_t k = 0; k < moments; ++k) {
        double const done = static_cast<double>(2 * k + 1) / static_cast<double>(2 * moments);
        auto const   part = [&](std::int64_t n) { return static_cast<std::int64_t>(static_cast<double>(n) * done); };
        auto const   w    = weights_of(s.mixture, progress{part(steps), {part(whole.budget.count)}, whole.budget, whole.batch});
        for (std::size_t i = 0; i < w.size(); ++i) to[i] += w[i] * static_cast<double>(whole.budget.count) / static_cast<double>(moments);
    }
}

/// Tokens of each source that a mixture allows the run; of none where it has no caps.
template <class Mixture>
constexpr auto allowed_by(Mixture const& mixture) {
    if constexpr (requires { mixture.allowed(); }) return mixture.allowed();
    else return source_weights{};
}

/// A cap holds for the run: all stages together ask for no more of a source, to a thousandth and to one of the moments at which the judge
/// looks, of which the compiler has fewer.
template <class Recipe, class Judge>
constexpr void judge_caps(Recipe const& r, Judge const& judge) {
    bool capped = false;
    for_each_stage(r.stages, [&](auto const& s, int) { capped |= allowed_by(s.mixture).size() > 0; });
    if (!capped) return;
    std::int64_t moments = std::is_constant_evaluated() ? 200 : 5000;
    double       asked[named_sources<double>::most] = {}, all = 0;
    for_each_stage(r.stages, [&](auto const& s, int) {
        add_tokens_asked(s, moments, asked);
        all += static_cast<double>(s.at(0).budget.count);
    });
    for_each_stage(r.stages, [&](auto const& s, int) {
        auto const most = allowed_by(s.mixture);
        bool       past = false;
        for (std::size_t i = 0; i < most.size(); ++i) past |= asked[i] > most[i] * 1.001 + all / static_cast<double>(moments);
        judge.template refuse_if<"a source is drawn past its cap over all stages: say in used what earlier stages take, or allow more">(
            past, s.name);
    });
}

}  // namespace midtrain::inline MT_ABI::detail
