#pragma once
#include <cstddef>
#include <vector>
#include <midtrain/core/view.hpp>
#include <midtrain/op/elementwise.hpp>

namespace midtrain::inline MT_ABI {

/// Numbers that the passes of a step add to on a device, and that the host reads when it is done.
template <class Device>
class tally {
  public:
    tally(Device& device, index_t size) : numbers_(device.template make<double>(size)) {}

    row_view<double> view() const { return numbers_.view(); }
    void             clear(Device& device) { device.elements(numbers_.size(), op::fill<double>{numbers_.view(), 0}); }

    /// The same on the host, until the next call.
    std::vector<double>& read(Device& device) {
        host_.resize(static_cast<std::size_t>(numbers_.size()));
        device.download(row_view<double const>(numbers_.view()), host_.data());
        return host_;
    }

  private:
    typename Device::template buffer<double> numbers_;
    std::vector<double>                      host_;
};

}  // namespace midtrain::inline MT_ABI
