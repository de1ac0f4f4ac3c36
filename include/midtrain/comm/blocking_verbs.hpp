#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// The verbs of a Communicator that return when they are done, for one that has those with a ticket.
template <class Own>
class blocking_verbs {
  public:
    template <class T>
    void sum(row_view<T> all) { own().sum_async(all).wait(); }
    template <class T>
    void broadcast(row_view<T> all, int from) { own().broadcast_async(all, from).wait(); }
    template <class T>
    void reduce_scatter(row_view<T const> all, row_view<T> mine) { own().reduce_scatter_async(all, mine).wait(); }
    template <class T>
    void all_gather(row_view<T const> mine, row_view<T> all) { own().all_gather_async(mine, all).wait(); }
    template <class T>
    void all_to_all(row_view<T const> from, row_view<T> to) { own().all_to_all_async(from, to).wait(); }
    template <class T>
    void send(row_view<T const> from, int to) { own().send_async(from, to).wait(); }
    template <class T>
    void receive(row_view<T> to, int from) { own().receive_async(to, from).wait(); }

  private:
    Own& own() { return static_cast<Own&>(*this); }
};

}  // namespace midtrain::inline MT_ABI
