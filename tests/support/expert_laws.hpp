#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>
#include <midtrain/core/random.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/optim/adamw.hpp>
#include <midtrain/precision/precision.hpp>
#include <support/slopes.hpp>
#include <support/small_models.hpp>

namespace test {

/// A model with routers and a batch of two sequences of 24 tokens.
template <class Device, class Family, class Shape, class Precision>
class routed_model {
    using computed = typename Precision::computed;

  public:
    explicit routed_model(midtrain::pass_mode mode = midtrain::pass_mode::train, int threads = 2)
        : device_(threads), owned_(owned_batch::random(2, 24, 96, 10)), by_token_(48), model(device_, {}, mode) {
        model.initialise(1);
        model.set_rotary(64, plain_rope);
        shift_biases();
    }

    /// Forward and backward of the batch, in micro-batches of so many sequences.
    void accumulate(midtrain::index_t micro = 2) {
        model.zero_gradient();
        loss_ = 0;
        for (midtrain::index_t s = 0; s < 2; s += micro) {
            auto b = part(s, micro);
            model.accumulate(b, {by_token_.data(), b.count()});
            for (std::size_t t = 0; t < static_cast<std::size_t>(b.count()); ++t) loss_ += static_cast<double>(by_token_[t]) / b.target_count;
        }
    }
    double loss() const { return loss_; }
    /// What the gradient that lies there is the slope of: the loss, and the balance losses of all routers.
    double objective() {
        auto const& w = model.balance;
        double const weights[] = {w.sequence, w.micro_batch, w.global_batch, w.devices, w.z};
        double total = loss_;
        for (auto const& r : model.parameters().routers())
            for (midtrain::index_t k = 0; k < midtrain::router_load::losses; ++k) total += weights[k] * load(r).loss(k);
        return total;
    }
    midtrain::router_load load(midtrain::router_info const& r) {
        return {{model.read_router_loads().data() + r.offset, midtrain::router_load::size_of(r.experts)}};
    }

    double worst_slope() {
        accumulate();
        std::vector<computed> const gradient(model.gradient().begin(), model.gradient().end());
        return worst_slope_error(model, gradient, 1e-5, [&] {
            accumulate();
            return objective();
        });
    }
    std::vector<computed> gradient(midtrain::index_t micro = 2) {
        accumulate(micro);
        return {model.gradient().begin(), model.gradient().end()};
    }
    /// The loss of the batch after `steps` steps on it.
    double learn(int steps) {
        midtrain::adamw const optimizer{.decay = 0};
        model.prepare(optimizer);
        for (int step = 1; step <= steps; ++step) {
            accumulate();
            midtrain::step_scalars s;
            s.rate        = 1e-2;
            s.step        = step;
            s.clip_factor = std::min(1.0, 1.0 / model.gradient_norm());
            model.apply(optimizer, s);
        }
        accumulate();
        return loss_;
    }
    midtrain::token_batch part(midtrain::index_t first, midtrain::index_t count) const {
        auto       b   = owned_.view();
        auto const cut = [&](midtrain::row_view<std::int32_t const> v) { return v.part(first * 24, count * 24); };
        b.inputs = cut(b.inputs), b.targets = cut(b.targets), b.positions = cut(b.positions), b.document_begin = cut(b.document_begin);
        b.sequences    = count;
        b.global_count = 48;
        return b;
    }

  private:
    /// So that they change what is chosen.
    void shift_biases() {
        for (auto const& r : model.parameters().routers()) {
            if (r.bias.index < 0) continue;
            auto const at = model.parameters()[r.bias].offset;
            for (midtrain::index_t e = 0; e < r.experts; ++e)
                model.master()[at + e] = static_cast<computed>(0.1 * midtrain::random_stream{3, 4}.uniform(static_cast<std::uint64_t>(e)));
        }
        model.refresh();
    }

    Device              device_;
    owned_batch         owned_;
    std::vector<computed> by_token_;
    double              loss_ = 0;

  public:
    midtrain::trainable<Device, Family, Shape, Precision> model;
};

}  // namespace test
