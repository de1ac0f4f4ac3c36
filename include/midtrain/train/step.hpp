#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <type_traits>
#include <vector>
#include <midtrain/concepts/communicator.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/model/step_numbers.hpp>
#include <midtrain/optim/step_scalars.hpp>
#include <midtrain/problem/batch.hpp>
#include <midtrain/problem/gradient_listener.hpp>
#include <midtrain/problem/parameters.hpp>
#include <midtrain/problem/rank_sum.hpp>
#include <midtrain/train/batches.hpp>
#include <midtrain/train/gradient_exchange.hpp>
#include <midtrain/train/rank_sharing.hpp>

namespace midtrain::inline MT_ABI {

/// What the hot loop is told of a step: plain numbers, whatever policies they came from.
struct step_plan {
    double       rate = 0;
    std::int64_t step = 1;          ///< of the run, from 1, over all stages
    std::int64_t update = 0;        ///< of the optimizer's slots, from 1; 0: the same as the step
    double       clip = 1.0;        ///< global norm above which gradients are scaled down; 0: never
    double       clip_block = 0;    ///< the same of each block of the model for itself, before; 0: never
    double       decay_factor = 1;  ///< of the optimizer's weight decay
    index_t      micro_batch = 1;   ///< sequences that go through the model at once
    std::uint64_t seed = 0;         ///< of rounding by chance
    index_t      bucket = rank_sharing{}.bucket;  ///< values of the gradient that ranks exchange at once
};

/// What a step found.
struct step_result {
    double                    loss = 0, gradient_norm = 0;
    std::vector<double>       source_loss;
    std::vector<std::int64_t> source_targets;
    std::int64_t              targets = 0;     ///< of all sources
    std::span<router_info const> routers;      ///< of the model
    std::span<double const>      router_loads; ///< of all ranks, as routers say; until the next but one step is asked for
    std::vector<double>          mtp_losses;   ///< by module that predicts tokens further on, the mean over its targets

    bool is_finite() const { return std::isfinite(loss) && std::isfinite(gradient_norm); }
    /// For a message about one that is not.
    std::string written_loss() const {
        return "the loss is " + std::to_string(loss) + " and the gradient's norm " + std::to_string(gradient_norm) +
               "; the weights are still those of the step before";
    }
};

/// What a step spends its time on.
enum class step_phase { data, compute, exchange, update, checkpoint };

/// Who follows a step from within: told of each phase as it begins and of each micro-batch whose gradient has been added, asked whether the
/// step is to be applied.
struct unwatched_step {
    static constexpr void enter(step_phase) {}
    /// Whether this step's micro-batches are looked at one by one; else they may be asked of a device as one piece of work.
    static constexpr bool looks_at_parts() { return false; }
    template <class Store>
    static constexpr void part(batches<Store> const&, index_t, index_t) {}
    static constexpr bool accepts(step_result const&) { return true; }
};

/// When the optimizer moves the weights: at once, unless the device finds that the step is no number, or when apply_judged() is called.
enum class update_when { settled, judged };

namespace detail {

/// This rank's share of the sequences, in micro-batches.
template <class Ranks, class Store>
void cut_into_parts(Ranks const& ranks, batches<Store> const& b, index_t micro_batch, std::vector<step_part>& parts) {
    parts.clear();
    index_t const begin = b.sequences() * ranks.rank() / ranks.size(), end = b.sequences() * (ranks.rank() + 1) / ranks.size();
    for (index_t first = begin; first < end; first += micro_batch) {
        index_t const n = std::min(micro_batch, end - first);
        parts.push_back({b.part(first, n), b.sources_of(first, n)});
    }
}

/// Speed and factor of a step for a model with routers; one without has nothing to hear.
template <class Model>
void tell_routers(Model& model, double bias_speed, double balance_factor) {
    bool const hears = !model.parameters().routers().empty();
    if (hears) model.bias_speed = bias_speed, model.balance_factor = balance_factor;
    check(hears || (bias_speed == 0 && balance_factor == 1), "bias_speed and balance_factor are for models with experts");
}

/// The update, and where ranks share the optimizer's memory what each has made of its slices goes to all.
template <class Ranks, class Model, class Optimizer>
void apply_on_all(Ranks& ranks, Model& model, Optimizer const& optimizer) {
    model.apply_told(optimizer);
    if (model.slices().ranks() == 1) return;
    gather_slices(ranks, model.master(), model.slices());
    model.refresh();
}

}  // namespace detail

/// Whether what ranks do is part of the device's work, so that a device that runs ahead need not wait for them.
template <class Ranks>
constexpr bool works_in_stream() {
    if constexpr (requires { Ranks::in_stream; }) return Ranks::in_stream;
    else return false;
}

/// Whether ranks reach the memory of a device.
template <class Ranks, class Device>
constexpr bool reaches() {
    if constexpr (requires { Ranks::of_host_memory; }) return Device::shares_memory || !Ranks::of_host_memory;
    else return true;
}

/// Asks for one optimizer step over the batch that was drawn: each rank's gradients are summed, bucket by bucket as backward of the last
/// micro-batch finishes them, clipped by the global norm and applied. A device that runs ahead is not waited for: read_step() does that, and
/// until then `parts` and the batch's memory stay as they are.
template <class Ranks, class Model, class Optimizer, class Store, class Watcher = unwatched_step>
void ask_for_step(Ranks& ranks, Model& model, Optimizer const& optimizer, batches<Store> const& b, step_plan const& plan, update_when when,
                  std::vector<step_part>& parts, step_result& result, Watcher&& watcher = {}) {
    static_assert(Communicator<Ranks>, "midtrain: the ranks are no Communicator; the shortest one is midtrain/comm/self.hpp");
    static_assert(reaches<Ranks, typename std::remove_reference_t<Model>::device_type>(),
                  "midtrain: these ranks exchange memory that the host reads, and the device has its own: name mt::nccl, from midtrain/cuda.cuh");
    result.targets = b.targets();
    result.source_targets.assign(b.targets_by_source().begin(), b.targets_by_source().end());
    detail::cut_into_parts(ranks, b, plan.micro_batch, parts);
    watcher.enter(step_phase::compute);
    model.stage(parts, static_cast<index_t>(b.sources()));
    step_scalars s;
    s.seed         = plan.seed;
    s.rate         = plan.rate;
    s.decay_factor = plan.decay_factor;
    s.step         = plan.update > 0 ? plan.update : plan.step;
    s.clip_limit   = plan.clip;
    model.tell(optimizer, s);
    using computed = typename std::remove_reference_t<Model>::computed;
    bool const        sharded = model.slices().ranks() > 1;
    rank_slices const cut     = sharded ? model.slices() : rank_slices(model.gradient().size(), ranks.rank(), ranks.size(), plan.bucket);
    auto const        work    = [&] {
        gradient_exchange<Ranks, computed> exchange(ranks, model.gradient(), cut, sharded ? exchange_form::slices : exchange_form::whole);
        auto    listener = [&](index_t values) { exchange.finished(values); };
        auto    add      = [&](row_view<computed> numbers) { ranks.sum(numbers); };
        index_t first    = b.sequences() * ranks.rank() / ranks.size();
        model.zero_gradient();
        for (std::size_t k = 0; k < parts.size(); ++k) {
            bool const last = k + 1 == parts.size() && !watcher.looks_at_parts();
            model.accumulate_staged(k, last ? gradient_listener(listener) : gradient_listener());
            watcher.part(b, first, parts[k].batch.sequences);
            first += parts[k].batch.sequences;
        }
        watcher.enter(step_phase::exchange);
        exchange.wait();
        ranks.sum(model.step_sums());
        watcher.enter(step_phase::update);
        model.settle(rank_sum<computed>(add));
        if (when == update_when::settled) detail::apply_on_all(ranks, model, optimizer);
    };
    if (works_in_stream<Ranks>() && !watcher.looks_at_parts()) model.repeat(when == update_when::settled, work);
    else work();
    model.ask_numbers();
}

/// Waits for the oldest step that was asked for and not read: its numbers join those that `result` has of it.
template <class Model>
void read_step(Model& model, step_result& result) {
    seen_numbers const seen = model.read_numbers();
    double             total = 0;
    result.source_loss.assign(seen.source_losses.begin(), seen.source_losses.end());
    for (double x : result.source_loss) total += x;
    result.loss          = result.targets > 0 ? total / static_cast<double>(result.targets) : 0.0;
    result.gradient_norm = seen.gradient_norm;
    for (std::size_t i = 0; i < result.source_loss.size(); ++i)
        if (result.source_targets[i] > 0) result.source_loss[i] /= static_cast<double>(result.source_targets[i]);
    result.routers      = model.parameters().routers();
    result.router_loads = {seen.router_loads.data, static_cast<std::size_t>(seen.router_loads.size())};
    result.mtp_losses.resize(static_cast<std::size_t>(seen.mtp_losses.size() / 2));
    for (std::size_t k = 0; k < result.mtp_losses.size(); ++k) {
        auto const n = static_cast<index_t>(2 * k);
        result.mtp_losses[k] = seen.mtp_losses[n + 1] > 0 ? seen.mtp_losses[n] / seen.mtp_losses[n + 1] : 0.0;
    }
}

/// The update of a step that was read and found good, clipped as it was told, and block by block before if the plan says so.
template <class Ranks, class Model, class Optimizer>
void apply_judged(Ranks& ranks, Model& model, Optimizer const& optimizer, step_plan const& plan) {
    if (plan.clip_block > 0) {
        double const norm = model.clip_blocks(plan.clip_block);
        step_scalars s;
        s.seed         = plan.seed;
        s.rate         = plan.rate;
        s.decay_factor = plan.decay_factor;
        s.step         = plan.update > 0 ? plan.update : plan.step;
        s.clip_factor  = plan.clip > 0 ? std::min(1.0, plan.clip / (norm + 1e-6)) : 1.0;  // as torch's clip_grad_norm_
        model.tell(optimizer, s);
    }
    detail::apply_on_all(ranks, model, optimizer);
}

/// A whole step: asked for, read, judged and applied. False, with the weights untouched, when the watcher does not accept it. Throws
/// midtrain::error, with the weights untouched, when the loss or the gradient of an accepted one is not a number.
template <class Ranks, class Model, class Optimizer, class Store, class Watcher = unwatched_step>
bool take_step(Ranks& ranks, Model& model, Optimizer const& optimizer, batches<Store> const& b, step_plan const& plan,
               std::vector<step_part>& parts, step_result& result, Watcher&& watcher = {}) {
    ask_for_step(ranks, model, optimizer, b, plan, update_when::judged, parts, result, watcher);
    read_step(model, result);
    bool const accepted = watcher.accepts(result);
    if (accepted && result.is_finite()) return apply_judged(ranks, model, optimizer, plan), true;
    model.go_on();
    check(!accepted, [&] { return "step " + std::to_string(plan.step) + ": " + result.written_loss(); });
    return false;
}

}  // namespace midtrain::inline MT_ABI
