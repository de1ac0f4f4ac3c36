#pragma once
#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>
#include <midtrain/comm/threads.hpp>
#include <midtrain/core/view.hpp>
#include <support/late_device.hpp>

namespace test {

/// Ranks that have a late_device each, as NCCL's have a GPU: what they exchange is part of the device's work. A verb takes its numbers when
/// the device comes to it, and leaves what it finds when the device comes to the wait of its ticket, so that who asks too early, or reads
/// without waiting, finds other numbers. Memory of the host waits for the device.
class late_ranks {
  public:
    class ticket {
      public:
        explicit ticket(std::function<void()> leave = {}) : leave_(std::move(leave)) {}
        void wait() {
            if (auto const leave = std::exchange(leave_, {})) leave();
        }

      private:
        std::function<void()> leave_;
    };

    static constexpr bool in_stream = true, sums_in_order = true;

    late_ranks(late_device& device, midtrain::threads& ranks) : device_(&device), ranks_(&ranks) {}

    int        rank() const { return ranks_->rank(); }
    int        size() const { return ranks_->size(); }
    late_ranks split(int) const { return *this; }

    template <class T>
    ticket sum_async(midtrain::row_view<T> all) {
        return move<T>(all, all, [r = ranks_](auto in, auto out) { std::copy(in.begin(), in.end(), out.begin()), r->sum(out); });
    }
    template <class T>
    ticket broadcast_async(midtrain::row_view<T> all, int from) {
        return move<T>(all, all, [r = ranks_, from](auto in, auto out) {
            std::copy(in.begin(), in.end(), out.begin());
            r->broadcast(out, from);
        });
    }
    template <class T>
    ticket reduce_scatter_async(midtrain::row_view<T const> all, midtrain::row_view<T> mine) {
        return move<T>(all, mine, [r = ranks_](auto in, auto out) { r->reduce_scatter(in, out); });
    }
    template <class T>
    ticket all_gather_async(midtrain::row_view<T const> mine, midtrain::row_view<T> all) {
        return move<T>(mine, all, [r = ranks_](auto in, auto out) { r->all_gather(in, out); });
    }
    template <class T>
    ticket all_to_all_async(midtrain::row_view<T const> from, midtrain::row_view<T> to) {
        return move<T>(from, to, [r = ranks_](auto in, auto out) { r->all_to_all(in, out); });
    }
    template <class T>
    ticket send_async(midtrain::row_view<T const> from, int to) {
        return move<T>(from, midtrain::row_view<T>{}, [r = ranks_, to](auto in, auto) { r->send(in, to); });
    }
    template <class T>
    ticket receive_async(midtrain::row_view<T> to, int from) {
        return move<T>(midtrain::row_view<T const>{}, to, [r = ranks_, from](auto, auto out) { r->receive(out, from); });
    }

    template <class T>
    void sum(midtrain::row_view<T> all) { sum_async(all).wait(); }
    template <class T>
    void broadcast(midtrain::row_view<T> all, int from) { broadcast_async(all, from).wait(); }
    template <class T>
    void reduce_scatter(midtrain::row_view<T const> all, midtrain::row_view<T> mine) { reduce_scatter_async(all, mine).wait(); }
    template <class T>
    void all_gather(midtrain::row_view<T const> mine, midtrain::row_view<T> all) { all_gather_async(mine, all).wait(); }
    template <class T>
    void all_to_all(midtrain::row_view<T const> from, midtrain::row_view<T> to) { all_to_all_async(from, to).wait(); }
    template <class T>
    void send(midtrain::row_view<T const> from, int to) { send_async(from, to).wait(); }
    template <class T>
    void receive(midtrain::row_view<T> to, int from) { receive_async(to, from).wait(); }

  private:
    template <class T, class Verb>
    ticket move(midtrain::row_view<T const> from, midtrain::row_view<T> to, Verb const& verb) {
        if (!device_->holds(from.data ? from.data : to.data)) {
            device_->wait();
            std::vector<T> in(from.begin(), from.end()), out(to.begin(), to.end());
            verb(view(std::as_const(in)), view(out));
            std::copy(out.begin(), out.end(), to.begin());
            return ticket();
        }
        struct letter {
            std::vector<T> in, out;
        };
        auto const carried = std::make_shared<letter>();
        carried->in.resize(static_cast<std::size_t>(from.size())), carried->out.resize(static_cast<std::size_t>(to.size()));
        device_->also([=](far_device& d) {
            d.download(from, carried->in.data());
            verb(view(std::as_const(carried->in)), view(carried->out));
        });
        return ticket([=, device = device_] {
            device->also([=](far_device& d) { d.upload(static_cast<T const*>(carried->out.data()), to); });
        });
    }
    template <class T>
    static midtrain::row_view<T> view(std::vector<T>& v) {
        return {v.data(), static_cast<midtrain::index_t>(v.size())};
    }
    template <class T>
    static midtrain::row_view<T const> view(std::vector<T> const& v) {
        return {v.data(), static_cast<midtrain::index_t>(v.size())};
    }

    late_device*       device_;
    midtrain::threads* ranks_;
};

}  // namespace test
