#pragma once
#include <cstdint>
#include <initializer_list>
#include <vector>
#include <midtrain/core/view.hpp>

// The two crossings of a pass between the host's memory and a device's. A Device that says `shares_memory` has neither.
namespace midtrain::inline MT_ABI {

/// Brings whole numbers of the host to where the device reads them: all of a pass in one copy.
template <class Device>
class staging {
  public:
    /// Turns each view into one that the device can read, good until the next call.
    void bring(Device& device, std::initializer_list<row_view<std::int32_t const>*> views) {
        if constexpr (!Device::shares_memory) {
            packed_.clear();
            for (auto* v : views) {
                packed_.insert(packed_.end(), v->begin(), v->end());
                packed_.resize((packed_.size() + 63) / 64 * 64);
            }
            auto const n = static_cast<index_t>(packed_.size());
            // Half as much again: the runs of a later batch may be more, and a step allocates nothing after the first.
            if (numbers_.size() < n) numbers_ = device.template make<std::int32_t>(n + n / 2);
            device.upload(packed_.data(), numbers_.view().part(0, n));
            auto at = numbers_.view().data;
            for (auto* v : views) {
                v->data = at;
                at += (v->size() + 63) / 64 * 64;
            }
        }
    }

  private:
    std::vector<std::int32_t>                      packed_;
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
