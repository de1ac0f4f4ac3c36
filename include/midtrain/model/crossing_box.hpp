#pragma once
#include <optional>
#include <vector>
#include <midtrain/concepts/ahead_device.hpp>
#include <midtrain/core/view.hpp>

// What goes to a device and comes back step by step: without waiting where the device runs ahead, at once elsewhere. Two in turn, so that the
// host may write the next one while the last is under way; it may not be further than that.
namespace midtrain::inline MT_ABI {

/// Memory of the host for copies.
template <class Device, class T>
class host_values {
  public:
    row_view<T> room(Device& device, index_t n) {
        if constexpr (AheadDevice<Device>) {
            if (values_.size() < n) values_ = device.template make_host<T>(n + n / 2);
            return values_.view().part(0, n);
        } else {
            if (static_cast<index_t>(values_.size()) < n) values_.resize(static_cast<std::size_t>(n + n / 2));
            return {values_.data(), n};
        }
    }

  private:
    static auto of(Device* device) {
        if constexpr (AheadDevice<Device>) return device->template make_host<T>(0);
        else return std::vector<T>();
    }
    decltype(of(nullptr)) values_;
};

template <class Device, class T>
class outbox {
  public:
    /// Where the host writes the next n values that go out.
    row_view<T> open(Device& device, index_t n) {
        if constexpr (AheadDevice<Device>) turn_ = !turn_;  // elsewhere what goes out has gone
        return open_ = slots_[turn_].room(device, n);
    }
    void send(Device& device, row_view<T> to) {
        if constexpr (AheadDevice<Device>) device.send(open_.data, to);
        else device.upload(static_cast<T const*>(open_.data), to);
    }

  private:
    host_values<Device, T> slots_[2];
    row_view<T>            open_{};
    bool                   turn_ = false;
};

template <class Device, class T>
class inbox {
    static auto mark_of(Device* device) {
        if constexpr (AheadDevice<Device>) return device->mark();
        else return 0;
    }
    struct slot {
        host_values<Device, T>                           values;
        row_view<T>                                      held{};
        std::optional<decltype(mark_of(nullptr))> mark{};
    };

  public:
    /// Asks for the values as they will be after all that was asked before.
    void ask(Device& device, row_view<T const> from) {
        if constexpr (AheadDevice<Device>) asked_ = !asked_;
        slot& s = slots_[asked_];
        s.held  = s.values.room(device, from.size());
        if constexpr (AheadDevice<Device>) {
            device.fetch(from, s.held.data);
            s.mark.emplace(device.mark());
        } else device.download(from, s.held.data);
    }
    /// Waits for the oldest values that were asked for and not read; they stay until the next but one is asked for.
    row_view<T const> read(Device& device) {
        if constexpr (AheadDevice<Device>) {
            read_ = !read_;
            device.reach(*slots_[read_].mark);
        }
        return slots_[read_].held;
    }

  private:
    slot slots_[2];
    bool asked_ = false, read_ = false;
};

}  // namespace midtrain::inline MT_ABI
