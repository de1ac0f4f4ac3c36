#pragma once
#include <cstdint>
#include <tuple>
#include <vector>
#include <midtrain/annealing/batch_ramp.hpp>
#include <midtrain/annealing/constant.hpp>
#include <midtrain/averaging/none.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/short_name.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/data/fim.hpp>
#include <midtrain/data/packing_form.hpp>
#include <midtrain/mixture/shuffled.hpp>
#include <midtrain/optim/by_role.hpp>
#include <midtrain/train/batch_calendar.hpp>

namespace midtrain::inline MT_ABI {

/// The sequences of one optimizer step, of all ranks together. `micro` of them go through the model at once. With a ramp, `sequences` are
/// those of the first step.
struct batch_form {
    required<index_t>      sequences, length;
    index_t                micro     = 1;
    data::packed_positions positions = data::packed_positions::restart;      ///< of documents packed into one sequence
    data::packing_kind     packing   = data::packing_kind::concatenate;
    index_t                window    = data::packing_form{}.window;          ///< documents that best_fit looks at together, by source
    data::packed_attention attention = data::packed_attention::document;     ///< what a token may see of other documents
    batch_ramp             ramp{};

    constexpr tokens             size() const { return {sequences * length}; }  ///< of the first step
    constexpr index_t            most() const {                                 ///< sequences of the largest step
        index_t n = ramp.most(sequences);
        for (std::int64_t k = 0; k < ramp.changes(sequences); ++k) {
            auto const next = ramp.change(sequences, k).sequences;
            n               = next > n ? next : n;
        }
        return n;
    }
    constexpr index_t last() const {  ///< sequences of a step after the ramp
        std::int64_t const n = ramp.changes(sequences);
        return n > 0 ? ramp.change(sequences, n - 1).sequences : sequences.value;
    }
    constexpr data::packing_form packed() const { return {packing, window, positions, attention}; }
};

/// One stretch of a run over which the policies hold. Its budget is cut down to whole steps, so that a decay ends where it should.
template <class Mixture, class Rate, class Position, class Order = mixture::shuffled>
struct stage {
    short_name       name;
    required<tokens> budget;
    Mixture          mixture;   ///< a MixturePolicy
    Rate             rate;      ///< an AnnealingPolicy
    batch_form       batch;
    Position         position;  ///< a PositionScalingPolicy
    Order            order{};   ///< an OrderPolicy: which documents of a source come when
    data::fim        fim{};     ///< documents rearranged for fill-in-the-middle
    bool             shorter = false;  ///< its positions may reach less far than those of the stage before

    constexpr batch_calendar calendar() const { return {batch.sequences, batch.length, batch.ramp, budget}; }
    constexpr std::int64_t   steps() const { return calendar().end().step; }
    /// Where the stage stands after `done` steps.
    constexpr progress at(std::int64_t done) const {
        auto const c = calendar();
        auto const p = c.at_step(done);
        return {done, {p.seen}, {c.end().seen}, {p.sequences * batch.length}};
    }
    /// Tokens that are done before the stage's sequence number `sequence`, and the step that it belongs to.
    constexpr progress at_sequence(std::int64_t sequence) const {
        auto const c = calendar();
        auto const p = c.at_sequence(sequence);
        return {p.step, {sequence * batch.length}, {c.end().seen}, {p.sequences * batch.length}};
    }
    /// Sequences in all.
    constexpr std::int64_t sequences() const { return batch.length > 0 ? calendar().end().seen / batch.length : 0; }
};

/// The stages of a recipe, in order.
template <class... Stages>
struct stages {
    std::tuple<Stages...> all;

    constexpr stages(Stages... s) : all(s...) {}
    static constexpr std::size_t size() { return sizeof...(Stages); }
};

/// f(stage, number) for each, numbers from 0.
template <class... Stages, class F>
constexpr void for_each_stage(stages<Stages...> const& s, F&& f) {
    std::apply([&](auto const&... one) { [[maybe_unused]] int n = 0; (f(one, n++), ...); }, s.all);
}
template <class... Stages, class F>
constexpr void for_each_stage(stages<Stages...>& s, F&& f) {
    std::apply([&](auto&... one) { [[maybe_unused]] int n = 0; (f(one, n++), ...); }, s.all);
}

/// Stages of one type, as many as a file says.
template <class Stage>
struct stage_list {
    std::vector<Stage> all;

    std::size_t size() const { return all.size(); }
};

template <class Stage, class F>
void for_each_stage(stage_list<Stage> const& s, F&& f) {
    for (std::size_t n = 0; n < s.all.size(); ++n) f(s.all[n], static_cast<int>(n));
}
template <class Stage, class F>
void for_each_stage(stage_list<Stage>& s, F&& f) {
    for (std::size_t n = 0; n < s.all.size(); ++n) f(s.all[n], static_cast<int>(n));
}

/// What a run does, as one value: print it, compare it, store it. What may move on the way is a number or a policy like a rate's, whose
/// progress is that of the whole run.
template <class Optimizer, class Stages, class Average = averaging::none, class ZLoss = double, class DecayFactor = annealing::unchanged,
          class Rates = same_rate, class BiasSpeed = double, class BalanceFactor = annealing::unchanged, class MtpWeight = double>
struct recipe {
    Optimizer     optimizer;
    Stages        stages;
    double        clip   = 1.0;  ///< global norm above which gradients are scaled down; 0: never
    double        clip_block = 0;  ///< the same of each block of the model for itself, before
    ZLoss         z_loss = 0;    ///< weight of the z-loss
    std::uint64_t seed   = 1;    ///< of the order of the data, and of rounding by chance
    [[no_unique_address]] Average average{};  ///< an AveragingPolicy over the whole run; none costs nothing
    [[no_unique_address]] DecayFactor decay_factor{};  ///< of the optimizer's weight decay
    [[no_unique_address]] Rates rates{};               ///< RoleRates: multiples of the rate by role and shape
    [[no_unique_address]] BalanceFactor balance_factor{};  ///< of the weights of the losses that keep experts busy alike
    BiasSpeed     bias_speed = 0;  ///< by which a step moves what routers of experts add to scores before they choose
    MtpWeight     mtp_weight = 0;  ///< of the losses of modules that predict tokens further on, all together
};

/// The value of a number that may move.
template <class Scalar>
constexpr double scalar_at(Scalar const& s, progress at) {
    if constexpr (requires { s.rate(at); }) return s.rate(at);
    else return static_cast<double>(s);
}

}  // namespace midtrain::inline MT_ABI
