#pragma once
#include <vector>
#include <midtrain/core/view.hpp>
#include <midtrain/model/tally.hpp>
#include <midtrain/op/expert_balance.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// What a step needs on a device for routers: their loads, and how selection biases follow them.
template <class Device>
class router_buffers {
  public:
    router_buffers(Device& device, parameter_layout const& layout) : loads_(device, layout.load_size()) {}

    row_view<double> loads() const { return loads_.view(); }  ///< all routers', as layout.routers() says
    void             clear(Device& device) { loads_.clear(device); }

    /// The same on the host, until the next call.
    std::vector<double>& read(Device& device) { return loads_.read(device); }

    /// Biases move against the loads by `speed`.
    template <class M, class T>
    void move_biases(Device& device, parameter_layout const& layout, double speed, row_view<M> masters, row_view<T> weights) {
        for (auto const& r : layout.routers()) {
            if (r.bias.index < 0 || speed <= 0) continue;
            auto const at = layout[r.bias].offset;
            device.rows(1, op::move_bias<M, T>{masters.part(at, r.experts), weights.part(at, r.experts),
                                               {loads_.view().part(r.offset, router_load::size_of(r.experts))}, speed});
        }
    }

  private:
    tally<Device> loads_;
};

}  // namespace midtrain::inline MT_ABI
