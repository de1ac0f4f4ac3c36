#pragma once
#include <concepts>
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Ranks that work together. `sum` leaves the sum over all ranks with each of them; `reduce_scatter` leaves rank r with part r of it;
/// `all_gather` gives everyone all parts in the order of the ranks; `all_to_all` sends part r to rank r; `broadcast` spreads what one
/// rank has; `send` and `receive` go from one to one. Each has a form `..._async` that returns a ticket to `wait()` on. `split(colour)`
/// makes a communicator of those that name the same colour. Law: with one rank nothing happens but a copy; with many, all hold the same
/// bits afterwards. The shortest one is midtrain/comm/self.hpp.
template <class C>
concept Communicator = requires(C& c, int peer, row_view<float> mine, row_view<float const> theirs) {
    { c.rank() } -> std::convertible_to<int>;
    { c.size() } -> std::convertible_to<int>;
    c.split(peer);
    c.sum(mine);
    c.sum_async(mine).wait();
    c.reduce_scatter(theirs, mine);
    c.reduce_scatter_async(theirs, mine).wait();
    c.all_gather(theirs, mine);
    c.all_gather_async(theirs, mine).wait();
    c.all_to_all(theirs, mine);
    c.all_to_all_async(theirs, mine).wait();
    c.broadcast(mine, peer);
    c.broadcast_async(mine, peer).wait();
    c.send(theirs, peer);
    c.send_async(theirs, peer).wait();
    c.receive(mine, peer);
    c.receive_async(mine, peer).wait();
};

}  // namespace midtrain::inline MT_ABI
