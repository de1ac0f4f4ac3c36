#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>
#include <midtrain/concepts/device.hpp>
#include <midtrain/concepts/precision.hpp>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/model/host_weights.hpp>
#include <midtrain/model/stale_gradients.hpp>
#include <midtrain/model/update_buffers.hpp>
#include <midtrain/op/elementwise.hpp>
#include <midtrain/op/run.hpp>
#include <midtrain/op/zero.hpp>
#include <midtrain/optim/optimizer_memory.hpp>
#include <midtrain/problem/parameters.hpp>
#include <midtrain/problem/rank_slices.hpp>
#include <midtrain/problem/zero.hpp>

namespace midtrain::inline MT_ABI {

/// What a model remembers from step to step: weights as the optimizer keeps them and as products read them, their gradient, the optimizer's
/// slots; how they begin, are read, are written and go on from a checkpoint.
template <class Device, class Precision>
class model_memory {
    static_assert(midtrain::Device<Device>, "midtrain: the device is no Device. See midtrain/concepts/device.hpp; the plainest one is "
                                            "midtrain/exec/crowd/crowd.hpp");
    static_assert(midtrain::Precision<Precision>,
                  "midtrain: the precision is no Precision: it needs the types stored, computed and master, and "
                  "name.  See midtrain/precision/precision.hpp");

    template <class T>
    using buffer = typename Device::template buffer<T>;

  public:
    using device_type = Device;
    using stored      = typename Precision::stored;
    using computed    = typename Precision::computed;
    using master_t    = typename Precision::master;

    static constexpr bool one_copy = std::is_same_v<master_t, bf16>;  ///< the weights that the optimizer updates are those that products read

    model_memory(Device& device, parameter_layout layout) : device_(&device), layout_(std::move(layout)), update_(device, layout_.size()) {
        if constexpr (!one_copy) weights_ = device.template make<stored>(layout_.size());
        master_   = device.template make<master_t>(layout_.size());
        gradient_ = device.template make<computed>(layout_.size());
    }

    Device&                  device() { return *device_; }
    parameter_layout const&  parameters() const { return layout_; }
    row_view<master_t>       master() { return master_.view(); }
    row_view<computed>       gradient() {
        stale_.end(layout_, 0, [&](index_t first, index_t n) { zero(first, n); });
        return gradient_.view();
    }
    row_view<computed>       slots() { return update_.slots(); }
    static constexpr index_t stored_bytes() { return one_copy ? 0 : sizeof(stored); }  ///< of a weight as it computes, beside the master's

    /// Fresh weights, the same for a seed on every machine and in every order.
    void initialise(std::uint64_t seed) {
        device_->upload(fresh_weights<master_t>(layout_, seed).data(), master_.view());
        refresh();
    }

    /// Every part of every parameter from a source of weights: `source.read(name, rows, columns, float* to)` in checkpoint layout.
    template <class Source>
    void load(Source const& source) {
        device_->upload(read_weights<master_t>(layout_, source).data(), master_.view());
        refresh();
    }

    /// One part of a flat buffer (weights, gradients, slots) in checkpoint layout.
    template <class T>
    std::vector<T> part(row_view<T const> flat, parameter_info const& e, parameter_part const& p) const {
        must_rest();
        std::vector<T> rows(static_cast<std::size_t>(p.rows * e.columns));
        device_->download(flat.part(e.offset + p.first_row * e.columns, p.rows * e.columns), rows.data());
        return in_checkpoint_layout(std::move(rows), p, e.columns);
    }

    /// Square root of the sum of squares of the gradient, in an order that never changes.
    double gradient_norm() { return update_.norm(*device_, gradient()); }
    /// The same of how far the gradient is from `before`, which then becomes it: what one micro-batch has added.
    double norm_of_change(row_view<computed> before) { return update_.norm_of_change(*device_, gradient(), before); }

    /// From here on this model is one of several with the same weights, and keeps the optimizer's memory of its slices alone. Before prepare().
    void               shard(rank_slices const& cut) { update_.shard(cut); }
    /// Its slices; of one rank where it has the whole.
    rank_slices const& slices() const { return update_.slices(); }
    /// The whole memory of the optimizer on the host, for checkpoints of a model that keeps slices (train/slot_exchange.hpp).
    std::vector<computed>& host_slots() {
        slots_host_.resize(static_cast<std::size_t>(slots().size() / slices().own() * layout_.size()));
        return slots_host_;
    }

    /// Gradients of each block, a bucket of the layout, whose norm is above the limit are scaled down to it. The norm of all afterwards.
    double clip_blocks(double limit) { return update_.clip_blocks(*device_, layout_, gradient(), limit); }
    /// What an optimizer needs of memory.
    template <class Optimizer>
    optimizer_memory memory_of(Optimizer const& optimizer) const {
        auto need = midtrain::memory_of<Precision>(layout_, optimizer);
        if (update_.is_sharded()) need.slots = need.slots / layout_.size() * slices().own();
        return need;
    }

    /// Stored weights from master weights: after loading.
    void refresh() { device_->elements(layout_.size(), op::convert<master_t, stored>{master_.view(), weights()}); }

    /// What a checkpoint must hold to go on from here, where the host reads it. Who writes there then calls take_state().
    std::vector<state_buffer> state_buffers() {
        must_rest();
        auto const whole = on_host(master(), master_host_);
        if (update_.is_sharded()) return {{"master", whole}, {"slots", std::as_writable_bytes(std::span(host_slots()))}};
        return {{"master", whole}, {"slots", on_host(slots(), slots_host_)}};
    }
    /// The model goes on from what stands in the state_buffers() that were asked for last.
    void take_state() {
        if constexpr (!Device::shares_memory) {
            device_->upload(master_host_.data(), master_.view());
            if (!update_.is_sharded()) device_->upload(slots_host_.data(), slots());
        }
        if (update_.is_sharded()) {
            update_.take_slices(*device_, slots_host_);
            slots_host_ = {};
        }
        refresh();
    }

  protected:
    row_view<stored> weights() const {
        if constexpr (one_copy) return master_.view();
        else return weights_.view();
    }
    void must_rest() const {
        check(under_way_ == 0, "the model is a step further than the last report: an observer that looks at it says so by wants_rest");
    }

    /// The gradient is zero from here on.
    void start_gradient() {
        stale_.begin(layout_, [&](index_t first, index_t n) { zero(first, n); });
    }

    Device*                           device_;
    parameter_layout                  layout_;
    buffer<master_t>                  master_;
    buffer<computed>                  gradient_;
    update_buffers<Device, Precision> update_;
    stale_gradients                   stale_;
    int                               under_way_ = 0;  // steps that were asked for and not read

  private:
    void zero(index_t first, index_t n) { run(*device_, zero_problem<computed>{gradient_.view().part(first, n)}); }

    // In place where the host shares the device's memory, else in a copy that stays.
    template <class T>
    std::span<std::byte> on_host(row_view<T> values, std::vector<T>& copy) {
        if constexpr (Device::shares_memory) return std::as_writable_bytes(std::span(values.data, static_cast<std::size_t>(values.size())));
        copy.resize(static_cast<std::size_t>(values.size()));
        device_->download(row_view<T const>(values), copy.data());
        return std::as_writable_bytes(std::span(copy));
    }

    buffer<stored>        weights_;
    std::vector<computed> slots_host_;
    std::vector<master_t> master_host_;
};

}  // namespace midtrain::inline MT_ABI
