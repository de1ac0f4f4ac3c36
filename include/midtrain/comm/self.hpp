#pragma once
#include <algorithm>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// One rank alone, with memory that the host reads. What is asked of all ranks is done, at most by a copy; there is no one to send to.
class self {
  public:
    struct ticket {
        void wait() const {}
    };

    static constexpr bool in_stream = true;  ///< it does nothing, so it keeps no device waiting

    static constexpr int rank() { return 0; }
    static constexpr int size() { return 1; }
    self                 split(int) const { return {}; }

    template <class T>
    void sum(row_view<T>) const {}
    template <class T>
    void broadcast(row_view<T>, int from) const {
        check(from == 0, "broadcast: there is one rank only, 0");
    }
    template <class T>
    void reduce_scatter(row_view<T const> all, row_view<T> mine) const { copy(all, mine); }
    template <class T>
    void all_gather(row_view<T const> mine, row_view<T> all) const { copy(mine, all); }
    template <class T>
    void all_to_all(row_view<T const> from, row_view<T> to) const { copy(from, to); }
    template <class T>
    void send(row_view<T const>, int) const { check(false, "send: there is no other rank"); }
    template <class T>
    void receive(row_view<T>, int) const { check(false, "receive: there is no other rank"); }

    template <class T>
    ticket sum_async(row_view<T>) const { return {}; }
    template <class T>
    ticket broadcast_async(row_view<T> all, int from) const { return broadcast(all, from), ticket{}; }
    template <class T>
    ticket reduce_scatter_async(row_view<T const> all, row_view<T> mine) const { return copy(all, mine), ticket{}; }
    template <class T>
    ticket all_gather_async(row_view<T const> mine, row_view<T> all) const { return copy(mine, all), ticket{}; }
    template <class T>
    ticket all_to_all_async(row_view<T const> from, row_view<T> to) const { return copy(from, to), ticket{}; }
    template <class T>
    ticket send_async(row_view<T const> from, int to) const { return send(from, to), ticket{}; }
    template <class T>
    ticket receive_async(row_view<T> to, int from) const { return receive(to, from), ticket{}; }

  private:
    template <class T>
    static void copy(row_view<T const> from, row_view<T> to) {
        check(from.size() == to.size(), "with one rank the parts and the whole have one size");
        if (from.data != to.data) std::copy_n(from.data, from.size(), to.data);
    }
};

}  // namespace midtrain::inline MT_ABI
