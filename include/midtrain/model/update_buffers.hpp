#pragma once
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/optim/by_role.hpp>
#include <midtrain/optim/elementwise_step.hpp>
#include <midtrain/optim/squares_of_change.hpp>
#include <midtrain/optim/role_rates.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// What an optimizer's step needs on a device besides weights and gradient: its slots, the decay of each 64 values, the step's scalars,
/// and partial sums for the gradient's norm.
template <class Device, class Precision>
class update_buffers {
    using stored   = typename Precision::stored;
    using computed = typename Precision::computed;
    using master   = typename Precision::master;

  public:
    update_buffers(Device& device, index_t values)
        : partial_(device.template make<computed>((values + 4095) / 4096)), scalars_(device.template make<step_scalars>(1)) {}

    row_view<computed> slots() const { return slots_.view(); }

    /// Room for an optimizer's slots; a second call with the same kind keeps what they hold.
    template <class Optimizer, RoleRates Rates = same_rate>
    void prepare(Device& device, parameter_layout const& layout, Optimizer const& optimizer, Rates const& rates = {}) {
        if (slots_.size() != Optimizer::slots * layout.size()) slots_ = device.template make<computed>(Optimizer::slots * layout.size());
        std::vector<computed> decay(static_cast<std::size_t>(layout.size() / 64));
        for (auto const& e : layout.entries())
            for (index_t i = e.offset / 64; i < (e.offset + e.size() + 63) / 64; ++i)
                decay[static_cast<std::size_t>(i)] = static_cast<computed>(optimizer.decay_of(e.role));
        decay_ = device.template make<computed>(layout.size() / 64);
        device.upload(decay.data(), decay_.view());
        rates_ = {};
        if constexpr (!std::is_same_v<Rates, same_rate>) {
            std::vector<double> factor(decay.size(), 1.0);
            for (auto const& e : layout.entries())
                for (index_t i = e.offset / 64; i < (e.offset + e.size() + 63) / 64; ++i)
                    factor[static_cast<std::size_t>(i)] = rates.factor(e.role, e.rows, e.columns);
            rates_ = device.template make<double>(layout.size() / 64);
            device.upload(factor.data(), rates_.view());
        }
    }
    /// One step of the optimizer: master weights, and from them the stored ones.
    template <class Optimizer>
    void apply(Device& device, Optimizer const& optimizer, step_scalars s, row_view<master> to, row_view<stored> weights,
               row_view<computed> gradient) {
        optimizer.prepare(s);
        device.upload(&s, scalars_.view());
        device.rows(to.size() / 64, elementwise_step<Optimizer, Precision>{optimizer, scalars_.view().data, to, weights, gradient,
                                                                           slots_.view(), decay_.view(), rates_.view()});
    }
    /// Square root of the sum of squares of the gradient, in an order that never changes.
    double norm(Device& device, row_view<computed> gradient) {
        device.rows(partial_.size(), squares_of_part<computed>{gradient, partial_.view()});
        return root_of_partial(device);
    }
    /// The same of how far the gradient is from `before`, which then becomes it.
    double norm_of_change(Device& device, row_view<computed> gradient, row_view<computed> before) {
        device.rows(partial_.size(), squares_of_change<computed>{gradient, before, partial_.view()});
        return root_of_partial(device);
    }

  private:
    double root_of_partial(Device& device) {
        partial_host_.resize(static_cast<std::size_t>(partial_.size()));
        device.download(row_view<computed const>(partial_.view()), partial_host_.data());
        double total = 0;
        for (auto x : partial_host_) total += static_cast<double>(x);
        return std::sqrt(total);
    }

    template <class T>
    using buffer = typename Device::template buffer<T>;

    buffer<computed>      slots_, decay_, partial_;
    buffer<double>        rates_;
    buffer<step_scalars>  scalars_;
    std::vector<computed> partial_host_;
};

}  // namespace midtrain::inline MT_ABI
