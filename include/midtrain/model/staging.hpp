#pragma once
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <midtrain/core/view.hpp>
#include <midtrain/model/crossing_box.hpp>

// The two crossings of a pass between the host's memory and a device's. A Device that says `shares_memory` has neither.
namespace midtrain::inline MT_ABI {

/// Brings whole numbers of the host to where the device reads them, many rows in one copy.
template <class Device>
class staging {
    static constexpr index_t line = 64;  // values; rows begin at a multiple

  public:
    /// Turns each view into one that the device can read, good until the next call. A device that runs ahead has read the host's then.
    void bring(Device& device, std::span<row_view<std::int32_t const>* const> views) {
        if constexpr (!Device::shares_memory) {
            index_t n = 0;
            for (auto* v : views) n += lines(v->size());
            auto const out = packed_.open(device, n);
            auto       at  = out.data;
            for (auto* v : views) {
                std::fill(std::copy(v->begin(), v->end(), at), at + lines(v->size()), 0);
                at += lines(v->size());
            }
            // Half as much again: the runs of a later batch may be more, and a step allocates nothing after the first.
            if (numbers_.size() < n) numbers_ = device.template make<std::int32_t>(n + n / 2);
            packed_.send(device, numbers_.view().part(0, n));
            auto there = numbers_.view().data;
            for (auto* v : views) v->data = there, there += lines(v->size());
        }
    }
    void bring(Device& device, std::initializer_list<row_view<std::int32_t const>*> views) {
        bring(device, std::span<row_view<std::int32_t const>* const>(views.begin(), views.size()));
    }

  private:
    static constexpr index_t lines(index_t n) { return (n + line - 1) / line * line; }

    outbox<Device, std::int32_t>                   packed_;
    typename Device::template buffer<std::int32_t> numbers_;
};

/// Brings what kernels wrote to the host.
template <class Device, class T>
class landing {
  public:
    /// Where kernels write what `to` shall hold.
    row_view<T> open(Device& device, row_view<T> to) {
        if constexpr (Device::shares_memory) return to;
        if (values_.size() < to.size()) values_ = device.template make<T>(to.size());
        return values_.view().part(0, to.size());
    }
    /// Waits for the device; then `to`, as it was given to open(), holds it.
    void close(Device& device, row_view<T> to) {
        if constexpr (!Device::shares_memory) device.download(row_view<T const>(values_.view().part(0, to.size())), to.data);
        device.wait();
    }

  private:
    typename Device::template buffer<T> values_;
};

}  // namespace midtrain::inline MT_ABI
