#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>
#include <midtrain/averaging/blend.hpp>
#include <midtrain/averaging/none.hpp>
#include <midtrain/concepts/averaging_policy.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/model/trainable.hpp>

namespace midtrain::inline MT_ABI {

/// The average that a policy describes, of a model's master weights and beside them on its device.
template <class Policy, class Model>
class running_average {
    static_assert(AveragingPolicy<Policy>, "midtrain: recipe.average is not an AveragingPolicy: it needs  double share(progress) const.  "
                                           "The shortest one is polyak_tail in midtrain/averaging/tail.hpp");

  public:
    using value                   = typename Model::master_t;
    static constexpr bool is_kept = true;

    running_average(Policy policy, Model& model)
        : policy_(policy), model_(&model), average_(model.device().template make<value>(model.master().size())) {}

    /// After a step; `updates` counts what the average holds. The first weights that count are the average.
    void add(progress at, std::int64_t& updates) {
        double const share = policy_.share(at);
        if (!(share > 0)) return;
        model_->device().elements(average_.size(),
                                  averaging::blend<value>{model_->master(), average_.view(), value(updates == 0 ? 1.0 : share)});
        ++updates;
    }
    /// The average takes the place of the weights, and they its place; a second call changes them back, bit for bit.
    void exchange() {
        model_->device().elements(average_.size(), averaging::exchange<value>{model_->master(), average_.view()});
        model_->refresh();
    }

    void add_buffer(std::vector<state_buffer>& to) { to.push_back({"average", on_host()}); }
    void take_state() {
        if constexpr (!shares) model_->device().upload(host_.data(), average_.view());
    }

  private:
    using device                 = std::remove_reference_t<decltype(std::declval<Model&>().device())>;
    static constexpr bool shares = device::shares_memory;

    std::span<std::byte> on_host() {
        auto const all = average_.view();
        if constexpr (shares) return std::as_writable_bytes(std::span(all.data, static_cast<std::size_t>(all.size())));
        host_.resize(static_cast<std::size_t>(all.size()));
        model_->device().download(row_view<value const>(all), host_.data());
        return std::as_writable_bytes(std::span(host_));
    }

    Policy                                   policy_;
    Model*                                   model_;
    typename device::template buffer<value> average_;
    std::vector<value>                       host_;
};

/// Of a recipe without one: nothing.
template <class Model>
class running_average<averaging::none, Model> {
  public:
    static constexpr bool is_kept = false;

    running_average(averaging::none, Model&) {}
    void add(progress, std::int64_t&) const {}
    void add_buffer(std::vector<state_buffer>&) const {}
    void take_state() const {}
};

namespace detail {

/// A model and its average as checkpoints see them: one row of buffers.
template <class Model, class Average>
struct remembered {
    using computed = typename Model::computed;

    Model&   model;
    Average& average;

    auto&                     device() { return model.device(); }
    auto const&               parameters() const { return model.parameters(); }
    std::vector<state_buffer> state_buffers() {
        auto all = model.state_buffers();
        average.add_buffer(all);
        return all;
    }
    void take_state() {
        model.take_state();
        average.take_state();
    }
};

}  // namespace detail

}  // namespace midtrain::inline MT_ABI
