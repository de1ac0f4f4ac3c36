#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>
#include <midtrain/concepts/communicator.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/optim/step_scalars.hpp>
#include <midtrain/problem/parameters.hpp>
#include <midtrain/train/batches.hpp>

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
};

/// What a step found.
struct step_result {
    double                    loss = 0, gradient_norm = 0;
    std::vector<double>       source_loss;
    std::vector<std::int64_t> source_targets;
    std::span<router_info const> routers;      ///< of the model
    std::span<double const>      router_loads; ///< of all ranks, as routers say
    std::vector<double>          mtp_losses;   ///< by module that predicts tokens further on, the mean over its targets
};

/// What a step spends its time on.
enum class step_phase { data, compute, exchange, update, checkpoint };

/// Who follows a step from within: told of each phase as it begins and of each micro-batch whose gradient has been added, asked whether the
/// step is to be applied.
struct unwatched_step {
    static constexpr void enter(step_phase) {}
    template <class Store>
    static constexpr void part(batches<Store> const&, index_t, index_t) {}
    static constexpr bool accepts(step_result const&) { return true; }
};

/// Losses summed by source in double, sequence by sequence, so that the order never changes.
template <class Store, class Loss>
void add_losses(batches<Store> const& b, index_t first, index_t count, Loss const* token_loss, step_result& to) {
    for (index_t s = 0; s < count; ++s) {
        auto const   source = static_cast<std::size_t>(b.source_of(first + s));
        double       sum    = to.source_loss[source];
        std::int64_t n      = 0;
        for (index_t t = 0; t < b.length(); ++t) {
            if (b.target((first + s) * b.length() + t) < 0) continue;
            sum += static_cast<double>(token_loss[s * b.length() + t]);
            ++n;
        }
        to.source_loss[source] = sum;
        to.source_targets[source] += n;
    }
}

namespace detail {

/// This rank's share of the sequences goes through the model, in micro-batches.
template <class Ranks, class Model, class Store, class Watcher>
void add_gradients(Ranks& ranks, Model& model, batches<Store> const& b, index_t micro_batch,
                   std::vector<typename Model::computed>& token_loss, step_result& result, Watcher& watcher) {
    result.source_loss.assign(b.sources(), 0.0);
    result.source_targets.assign(b.sources(), 0);
    token_loss.resize(static_cast<std::size_t>(micro_batch * b.length()));
    model.zero_gradient();
    index_t const begin = b.sequences() * ranks.rank() / ranks.size(), end = b.sequences() * (ranks.rank() + 1) / ranks.size();
    for (index_t first = begin; first < end; first += micro_batch) {
        index_t const n = std::min(micro_batch, end - first);
        model.accumulate(b.part(first, n), {token_loss.data(), n * b.length()});
        add_losses(b, first, n, token_loss.data(), result);
        watcher.part(b, first, n);
    }
}

/// Speed and factor of a step for a model with routers; one without has nothing to hear.
template <class Model>
void tell_routers(Model& model, double bias_speed, double balance_factor) {
    bool hears = false;
    if constexpr (requires { model.read_router_loads(); }) {
        hears                = !model.parameters().routers().empty();
        model.bias_speed     = bias_speed;
        model.balance_factor = balance_factor;
    }
    check(hears || (bias_speed == 0 && balance_factor == 1), "bias_speed and balance_factor are for models with experts");
}

/// The weight of a step for a model whose modules predict tokens further on; one without has nothing to hear.
template <class Model>
void tell_mtp(Model& model, double weight) {
    if constexpr (requires { model.read_mtp_losses(); }) model.mtp_weight = weight;
}

/// The losses of those modules, over all ranks.
template <class Ranks, class Model>
void sum_mtp_losses(Ranks& ranks, Model& model, step_result& result) {
    if constexpr (requires { model.read_mtp_losses(); }) {
        if (model.mtp_losses().size() == 0) return;
        ranks.sum(model.mtp_losses());
        auto const& all = model.read_mtp_losses();
        result.mtp_losses.resize(all.size() / 2);
        for (std::size_t k = 0; k < result.mtp_losses.size(); ++k) result.mtp_losses[k] = all[2 * k + 1] > 0 ? all[2 * k] / all[2 * k + 1] : 0.0;
    }
}

/// The loads of all ranks' routers.
template <class Ranks, class Model>
void sum_loads(Ranks& ranks, Model& model, step_result& result) {
    if constexpr (requires { model.read_router_loads(); }) {
        if (model.parameters().routers().empty()) return;
        ranks.sum(model.router_loads());
        result.routers      = model.parameters().routers();
        result.router_loads = model.read_router_loads();
    }
}

}  // namespace detail

/// One optimizer step over the batch that was drawn: each rank's gradients are summed, clipped by the global norm and applied. False,
/// with the weights untouched, when the watcher does not accept it. Throws midtrain::error, with the weights untouched, when the loss or
/// the gradient of an accepted one is not a number.
template <class Ranks, class Model, class Optimizer, class Store, class Watcher = unwatched_step>
bool take_step(Ranks& ranks, Model& model, Optimizer const& optimizer, batches<Store> const& b, step_plan const& plan,
               std::vector<typename Model::computed>& token_loss, step_result& result, Watcher&& watcher = {}) {
    static_assert(Communicator<Ranks>, "midtrain: the ranks are no Communicator; the shortest one is midtrain/comm/self.hpp");
    watcher.enter(step_phase::compute);
    detail::add_gradients(ranks, model, b, plan.micro_batch, token_loss, result, watcher);
    watcher.enter(step_phase::exchange);
    ranks.sum(model.gradient());
    detail::sum_loads(ranks, model, result);
    detail::sum_mtp_losses(ranks, model, result);
    ranks.sum(row_view<double>{result.source_loss.data(), static_cast<index_t>(b.sources())});
    ranks.sum(row_view<std::int64_t>{result.source_targets.data(), static_cast<index_t>(b.sources())});
    watcher.enter(step_phase::update);
    double total = 0;
    for (double x : result.source_loss) total += x;
    result.loss          = b.targets() > 0 ? total / static_cast<double>(b.targets()) : 0.0;
    result.gradient_norm = model.gradient_norm();
    for (std::size_t i = 0; i < result.source_loss.size(); ++i)
        if (result.source_targets[i] > 0) result.source_loss[i] /= static_cast<double>(result.source_targets[i]);
    if (!watcher.accepts(result)) return false;
    check(std::isfinite(result.loss) && std::isfinite(result.gradient_norm), [&] {
        return "step " + std::to_string(plan.step) + ": the loss is " + std::to_string(result.loss) + " and the gradient's norm " +
               std::to_string(result.gradient_norm) + "; the weights are still those of the step before";
    });
    double const norm = plan.clip_block > 0 ? model.clip_blocks(plan.clip_block) : result.gradient_norm;
    step_scalars s;
    s.seed         = plan.seed;
    s.rate         = plan.rate;
    s.decay_factor = plan.decay_factor;
    s.step        = plan.update > 0 ? plan.update : plan.step;
    s.clip_factor = plan.clip > 0 ? std::min(1.0, plan.clip / (norm + 1e-6)) : 1.0;  // as torch's clip_grad_norm_
    model.apply(optimizer, s);
    return true;
}

}  // namespace midtrain::inline MT_ABI
