#pragma once
#include <cstdint>
#include <midtrain/core/view.hpp>
#include <midtrain/op/expert_balance.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// What routers add to scores moves against their loads, (layout.load_size()) on the device, by `speed`, where the step applies.
template <class Device, class M, class T>
void move_biases(Device& device, parameter_layout const& layout, row_view<double> loads, double speed, std::int64_t const* applies,
                 row_view<M> masters, row_view<T> weights) {
    for (auto const& r : layout.routers()) {
        if (r.bias.index < 0 || speed <= 0) continue;
        auto const at = layout[r.bias].offset;
        device.rows(1, op::move_bias<M, T>{masters.part(at, r.experts), weights.part(at, r.experts),
                                           {loads.part(r.offset, router_load::size_of(r.experts))}, speed, applies});
    }
}

}  // namespace midtrain::inline MT_ABI
