#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <midtrain/annealing/part.hpp>
#include <midtrain/averaging/none.hpp>
#include <midtrain/concepts/annealing_policy.hpp>
#include <midtrain/concepts/averaging_policy.hpp>
#include <midtrain/concepts/distance_policy.hpp>
#include <midtrain/concepts/mixture_policy.hpp>
#include <midtrain/concepts/order_policy.hpp>
#include <midtrain/concepts/position_policy.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/literal.hpp>
#include <midtrain/optim/role_rates.hpp>
#include <midtrain/problem/mtp_shape.hpp>
#include <midtrain/train/layer_rules.hpp>
#include <midtrain/train/mixture_rules.hpp>
#include <midtrain/train/position_rules.hpp>
#include <midtrain/train/stage.hpp>

// One rule book for two judges: the compiler, for what a program states, and the run, for what settings change. Each rule is a sentence
// that stands here once.
namespace midtrain::inline MT_ABI {

/// Not constexpr, on purpose: the compiler that meets a call to it in `checked` prints the sentence.
template <literal Why>
void this_recipe_is_refused() {}

/// Judges at compile time.
struct compiler_judge {
    template <literal Why>
    constexpr void refuse_if(bool broken, std::string_view) const {
        if (broken) this_recipe_is_refused<Why>();
    }
};

/// Judges before the first step, and names the stage.
struct run_judge {
    template <literal Why>
    void refuse_if(bool broken, std::string_view where) const {
        check(!broken, [&] { return (where.empty() ? "recipe" : "stage '" + std::string(where) + "'") + ": " + Why.text; });
    }
};

namespace detail {

constexpr bool plain_name(std::string_view s) {
    if (s.empty()) return false;
    for (char c : s)
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
    return true;
}

/// f(progress) at the ends and at most 257 points between.
template <class Stage, class F>
constexpr void at_points(Stage const& s, F const& f) {
    std::int64_t const n = s.steps(), points = n < 256 ? n : 256;
    for (std::int64_t k = 0; k <= points; ++k) f(s.at(n * k / (points > 0 ? points : 1)));
}

/// f(sequences) for each size that a step of the stage may have.
template <class Stage, class F>
constexpr void at_sizes(Stage const& s, F const& f) {
    f(s.batch.sequences);
    if (s.batch.ramp.fits(s.batch.sequences))
        for (std::int64_t k = 0; k < s.batch.ramp.changes(s.batch.sequences); ++k) f(s.batch.ramp.change(s.batch.sequences, k).sequences);
}

template <class Stage, class Judge>
constexpr void judge_batch(Stage const& s, Judge const& judge) {
    judge.template refuse_if<"a batch has at least one sequence of two tokens">(s.batch.sequences < 1 || s.batch.length < 2, s.name);
    judge.template refuse_if<"batch.micro is between 1 and batch.sequences">(s.batch.micro < 1 || s.batch.micro > s.batch.sequences,
                                                                             s.name);
    bool divides = true, in_order = s.batch.ramp.fits(s.batch.sequences);
    at_sizes(s, [&](index_t sequences) { divides &= s.batch.micro < 1 || sequences % s.batch.micro == 0; });
    judge.template refuse_if<"the batch ramp cannot be: its places rise, and batch.ramp.to lies whole changes above batch.sequences">(!in_order,
                                                                                                                                     s.name);
    judge.template refuse_if<"the sequences of a step do not divide into micro-batches of batch.micro">(!divides, s.name);
    judge.template refuse_if<"the batch ramp is longer than the stage: raise budget, or let the ramp end sooner">(
        in_order && s.steps() > 0 && s.at(s.steps() - 1).batch.count != s.batch.last() * s.batch.length, s.name);
    judge.template refuse_if<"the budget is smaller than one batch: raise budget, or lower batch.sequences or batch.length">(s.steps() < 1,
                                                                                                                             s.name);
    judge
        .template refuse_if<"the sequences are longer than the positions reach: raise the position policy's length, or lower batch.length">(
            s.batch.length > s.position.context(), s.name);
}

template <class Stage, class Judge>
constexpr void judge_packing(Stage const& s, Judge const& judge) {
    judge.template refuse_if<"best_fit wants a window of at least one document: raise batch.window">(
        s.batch.packing == data::packing_kind::best_fit && s.batch.window < 1, s.name);
    judge.template refuse_if<"documents that see each other need positions that run on: say batch.positions = run_on, or let attention end "
                             "at the document">(
        s.batch.attention == data::packed_attention::sequence && s.batch.positions == data::packed_positions::restart, s.name);
}

template <class Stage, class Judge>
constexpr void judge_order(Stage const& s, Judge const& judge) {
    static_assert(OrderPolicy<decltype(s.order)>,
                  "midtrain: stage.order is not an OrderPolicy: it needs  buckets() const, bucket_of(document_facts) const, "
                  "share(bucket, progress) const, bool wants_scores() const and bool is_for(source) const.  The shortest one is "
                  "midtrain/mixture/shuffled.hpp");
    if constexpr (requires { s.order.fits(); })
        judge.template refuse_if<"the buckets of the order are none: lengths rise and have a share each; quantiles lie between 0 and 1 and hold "
                                 "something">(!s.order.fits(), s.name);
    bool bad = s.order.buckets() < 1;
    at_points(s, [&](progress at) {
        double total = 0;
        for (std::size_t b = 0; b < s.order.buckets(); ++b) {
            double const x = s.order.share(b, at);
            bad |= !(x >= 0);
            total += x;
        }
        bad |= !(total > 1 - 1e-9 && total < 1 + 1e-9);
    });
    judge.template refuse_if<"the shares of the buckets of an order are negative, or do not sum to one">(bad, s.name);
}

template <class Stage, class Shape, class Judge>
constexpr void judge_fim(Stage const& s, Shape const& shape, Judge const& judge) {
    auto const& f = s.fim;
    judge.template refuse_if<"fim.rate and fim.spm are shares between 0 and 1, and fim.keep is not negative">(
        !(f.rate >= 0 && f.rate <= 1 && f.spm >= 0 && f.spm <= 1 && f.keep >= 0), s.name);
    judge.template refuse_if<"fill-in-the-middle needs the ids of its three sentinel tokens: fim.prefix, fim.suffix and fim.middle">(
        f.rate > 0 && !f.names_sentinels(), s.name);
    judge.template refuse_if<"a sentinel token of fim is outside the vocabulary, or stands for two things">(
        f.rate > 0 && (f.prefix >= shape.vocab || f.suffix >= shape.vocab || f.middle >= shape.vocab || f.prefix == f.suffix ||
                       f.suffix == f.middle || f.middle == f.prefix),
        s.name);
}

template <class Stage, class Judge>
constexpr void judge_rate(Stage const& s, Judge const& judge) {
    using Rate = decltype(s.rate);
    static_assert(AnnealingPolicy<Rate>,
                  "midtrain: stage.rate is not an AnnealingPolicy: it needs  double rate(progress) const.  "
                  "(One that looks back:  double rate(progress, loss_record const&) const.)  The shortest one is midtrain/annealing/constant.hpp");
    static_assert(FitsIfItHasFits<Rate>, "midtrain: stage.rate has a member fits, but not  bool fits(tokens budget) const");
    // Under a ramp nobody knows here how many steps a part has.
    bool const   stands = s.batch.ramp.changes(s.batch.sequences) == 0 && !s.batch.ramp.looks_back();
    tokens const batch  = stands ? s.batch.size() : tokens{};
    judge.template refuse_if<"the parts of the rate (warm-up, decay, joints) do not fit into the budget, or do not meet">(
        !annealing::part_fits(s.rate, s.at(0).budget, batch), s.name);
    bool bad = false, moves = false;
    at_points(s, [&](progress at) {
        double const r = rate_of(s.rate, at);
        bad |= !(r >= 0 && r < 1e3);
        moves |= r > 0;
    });
    judge.template refuse_if<"the rate is negative, infinite or not a number somewhere in the stage">(bad, s.name);
    judge.template refuse_if<"the rate is zero all along">(!moves, s.name);
}

template <class Stage, class Judge>
constexpr void judge_mixture(Stage const& s, Judge const& judge) {
    static_assert(MixturePolicy<decltype(s.mixture)>,
                  "midtrain: stage.mixture is not a MixturePolicy: it needs  std::array<double, n> weights(progress) const.  "
                  "(One that looks back:  weights(progress, loss_record const&) const  and  window() const.)  The shortest one is fixed_mixture in midtrain/mixture/mixtures.hpp");
    judge_flaws(s, judge);
    bool negative = false, apart = false;
    at_points(s, [&](progress at) {
        double total = 0;
        for (double w : weights_of(s.mixture, at)) {
            negative |= !(w >= 0);
            total += w;
        }
        apart |= !(total > 1 - 1e-9 && total < 1 + 1e-9);
    });
    judge.template refuse_if<"a weight of the mixture is negative or not a number">(negative, s.name);
    judge.template refuse_if<"the weights of the mixture do not sum to one">(apart, s.name);
}

/// f(progress) over the run, at its end and at most 256 points before, in batches of the first stage.
template <class Recipe, class F>
constexpr void at_points_of_run(Recipe const& r, F const& f) {
    tokens all{}, batch{};
    for_each_stage(r.stages, [&](auto const& s, int n) {
        all += s.at(0).budget;
        if (n == 0) batch = s.batch.size();
    });
    std::int64_t const steps = batch.count > 0 ? all.count / batch.count : 0, points = steps < 256 ? steps : 256;
    for (std::int64_t k = 1; k <= points; ++k) {
        std::int64_t const done = steps * k / points;
        f(progress{done, done * batch, all, batch});
    }
}

/// What moves over the run.
template <class Recipe, class Shape, class Judge>
constexpr void judge_scalars(Recipe const& r, Shape const& shape, Judge const& judge) {
    bool z = true, decay = true, bias = true, balance = true, mtp = true, further = false;
    auto const sound = [](double x) { return x >= 0 && x < 1e3; };
    at_points_of_run(r, [&](progress at) {
        z &= sound(scalar_at(r.z_loss, at));
        decay &= sound(scalar_at(r.decay_factor, at));
        bias &= sound(scalar_at(r.bias_speed, at));
        balance &= sound(scalar_at(r.balance_factor, at));
        mtp &= sound(scalar_at(r.mtp_weight, at));
        further |= scalar_at(r.mtp_weight, at) > 0;
    });
    judge.template refuse_if<"z_loss is negative, infinite or not a number somewhere in the run">(!z, "");
    judge.template refuse_if<"decay_factor is negative, infinite or not a number somewhere in the run">(!decay, "");
    judge.template refuse_if<"bias_speed is negative, infinite or not a number somewhere in the run">(!bias, "");
    judge.template refuse_if<"balance_factor is negative, infinite or not a number somewhere in the run">(!balance, "");
    judge.template refuse_if<"mtp_weight is negative, infinite or not a number somewhere in the run">(!mtp, "");
    judge.template refuse_if<"the model has modules that predict tokens further on, and mtp_weight is 0 throughout: give it, or a shape without them">(
        mtp_depth_of(shape) > 0 && !further, "");
    judge.template refuse_if<"mtp_weight is for models with modules that predict tokens further on, and this one has none">(
        mtp_depth_of(shape) <= 0 && further, "");
    static_assert(RoleRates<std::remove_cvref_t<decltype(r.rates)>>,
                  "midtrain: recipe.rates is no RoleRates: it needs  double factor(role, index_t rows, index_t columns) const.  "
                  "The shortest one is same_rate in midtrain/optim/by_role.hpp");
    if constexpr (requires { r.rates.fits(); })
        judge.template refuse_if<"a multiple of the rate, or the base width, is negative or not a number">(!r.rates.fits(), "");
}

template <class Recipe, class Judge>
constexpr void judge_average(Recipe const& r, Judge const& judge) {
    using Average = std::remove_cvref_t<decltype(r.average)>;
    if constexpr (!std::is_same_v<Average, averaging::none>) {
        static_assert(AveragingPolicy<Average>,
                      "midtrain: recipe.average is not an AveragingPolicy: it needs  double share(progress) const.  "
                      "The shortest one is polyak_tail in midtrain/averaging/tail.hpp");
        bool bad = false;
        at_points_of_run(r, [&](progress at) {
            double const s = r.average.share(at);
            bad |= !(s >= 0 && s <= 1);
        });
        judge.template refuse_if<"the share of some step in the average is not between 0 and 1">(bad, "");
    }
}

}  // namespace detail

/// What the values alone tell.
template <class Recipe, class Shape, class Judge>
constexpr void judge_recipe(Recipe const& r, Shape const& shape, Judge const& judge) {
    judge.template refuse_if<"the width does not divide into heads of even size, or heads into kv_heads">(
        shape.layers < 1 || shape.heads < 1 || shape.kv_heads < 1 || shape.heads % shape.kv_heads != 0 ||
            (shape.head_size > 0 ? shape.head_size % 2 != 0 : shape.width % (2 * shape.heads) != 0), "");
    judge.template refuse_if<"clip is not negative">(!(r.clip >= 0), "");
    judge.template refuse_if<"clip_block is not negative">(!(r.clip_block >= 0), "");
    if constexpr (requires { r.optimizer.fits(); })
        judge.template refuse_if<"a number of the optimizer cannot be: means and momenta lie between 0 and 1, its epsilons, clips and decay "
                                 "are not negative, and Muon has at least one step">(!r.optimizer.fits(), "");
    judge.template refuse_if<"a recipe has at least one stage">(r.stages.size() == 0, "");
    detail::judge_average(r, judge);
    detail::judge_scalars(r, shape, judge);
    detail::judge_layers(shape, judge);
    for_each_stage(r.stages, [&](auto const& s, int n) {
        static_assert(!DistancePolicy<decltype(s.position)>,
                      "midtrain: stage.position is a DistancePolicy, such as dual_chunk or self_extend: those read longer texts without "
                      "training, and have no gradient.  Train with a PositionScalingPolicy, and give the model the distance for evaluation: "
                      "set_distance()");
        static_assert(PositionScalingPolicy<decltype(s.position)>,
                      "midtrain: stage.position is not a PositionScalingPolicy: it needs  context() const, inverse_frequency(pair, "
                      "rotary_width, length) const, position(index) const and temperature(length) const.  The shortest one is "
                      "midtrain/position/rope.hpp");
        judge.template refuse_if<"a stage has a name of small letters, digits and underscores">(!detail::plain_name(s.name), s.name);
        for_each_stage(r.stages, [&](auto const& other, int m) {
            judge.template refuse_if<"two stages have the same name">(m < n && other.name == s.name, s.name);
        });
        detail::judge_batch(s, judge);
        detail::judge_positions(s, shape.head_size > 0 || shape.heads < 1 ? shape.head_size : shape.width / shape.heads, judge);
        detail::judge_packing(s, judge);
        detail::judge_order(s, judge);
        detail::judge_fim(s, shape, judge);
        detail::judge_rate(s, judge);
        detail::judge_mixture(s, judge);
    });
    detail::judge_caps(r, judge);
    index_t reach = 0;
    for_each_stage(r.stages, [&](auto const& s, int) {
        judge.template refuse_if<"the positions reach less far than those of the stage before: raise their context, or say shorter = true">(
            s.position.context() < reach && !s.shorter, s.name);
        reach = s.position.context();
    });
}

}  // namespace midtrain::inline MT_ABI
