#pragma once
#include <cstddef>
#include <midtrain/core/view.hpp>
#include <midtrain/model/crossing_box.hpp>
#include <midtrain/op/elementwise.hpp>

namespace midtrain::inline MT_ABI {

/// What the passes of a step find, as the host reads it.
struct seen_numbers {
    double                 gradient_norm = 0;
    row_view<double const> router_loads;   // as layout.routers() says
    row_view<double const> mtp_losses;     // (2 depth): sum and count of each module's
    row_view<double const> source_losses;  // sums
};

/// Numbers that the passes of a step add to on a device, side by side, and that the host reads when it is done:
/// [norm of the gradient | loads of routers | losses of multi-token prediction | losses by source].
template <class Device>
class step_numbers {
  public:
    step_numbers(Device& device, index_t loads, index_t mtp)
        : loads_(loads), mtp_(mtp), numbers_(device.template make<double>(1 + loads + mtp)) {}

    /// Room for the losses of so many sources; what the numbers held is lost when there was none.
    void reserve(Device& device, index_t sources) {
        if (numbers_.size() >= 1 + loads_ + mtp_ + sources) sources_ = sources;
        else numbers_ = device.template make<double>(1 + loads_ + mtp_ + sources), sources_ = sources;
    }
    void clear(Device& device) { device.elements(numbers_.size(), op::fill<double>{numbers_.view(), 0}); }

    double*          norm() const { return numbers_.view().data; }
    row_view<double> loads() const { return numbers_.view().part(1, loads_); }
    row_view<double> mtp_losses() const { return numbers_.view().part(1 + loads_, mtp_); }
    row_view<double> source_losses() const { return numbers_.view().part(1 + loads_ + mtp_, sources_); }
    /// What ranks add up.
    row_view<double> sums() const { return numbers_.view().part(1, loads_ + mtp_ + sources_); }

    void ask(Device& device) { box_.ask(device, numbers_.view()); }
    /// Of the oldest that were asked for and not read; they stay until the next but one is asked for.
    seen_numbers read(Device& device) {
        auto const all = box_.read(device);
        return {all[0], all.part(1, loads_), all.part(1 + loads_, mtp_), all.part(1 + loads_ + mtp_, sources_)};
    }

  private:
    index_t                                  loads_, mtp_, sources_ = 0;
    typename Device::template buffer<double> numbers_;
    inbox<Device, double>                    box_;
};

}  // namespace midtrain::inline MT_ABI
