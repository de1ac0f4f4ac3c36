#pragma once
#include <algorithm>
#include <barrier>
#include <cstring>
#include <deque>
#include <vector>
#include <midtrain/core/pack.hpp>
#include <midtrain/exec/cuda/teams.hpp>
#include <midtrain/exec/host/buffer.hpp>
#include <midtrain/exec/host/host.hpp>
#include <midtrain/exec/host/thread_pool.hpp>

namespace test {

/// What the threads of a played block share: barriers for the block and for each warp, and memory.
struct played_memory {
    struct alignas(16) cell {
        unsigned char bytes[16];
    };
    std::barrier<>             block;
    std::deque<std::barrier<>> warp;
    std::vector<cell>          given, slots;

    explicit played_memory(int threads) : block(threads), given(static_cast<std::size_t>(threads)), slots(static_cast<std::size_t>(threads / 32)) {
        for (int w = 0; w < threads / 32; ++w) warp.emplace_back(32);
    }
};

/// A thread in the role of a GPU's, for warp_team and block_team; a shuffle past the end of the warp gives one's own value, as there.
class played_lanes {
  public:
    played_lanes(played_memory& shared, int number) : shared_(&shared), number_(number) {}

    int number() const { return number_; }
    template <class T>
    T down(T x, int by) const {
        return exchange(x, number_ % 32 + by < 32 ? number_ + by : number_);
    }
    template <class T>
    T of_first(T x) const {
        return exchange(x, number_ / 32 * 32);
    }
    template <class T>
    T* slot(int warp) const {
        return reinterpret_cast<T*>(shared_->slots[static_cast<std::size_t>(warp)].bytes);
    }
    void meet_warp() const { shared_->warp[static_cast<std::size_t>(number_ / 32)].arrive_and_wait(); }
    void meet_block() const { shared_->block.arrive_and_wait(); }

  private:
    template <class T>
    T exchange(T x, int from) const {
        static_assert(sizeof(T) <= 16);
        std::memcpy(shared_->given[static_cast<std::size_t>(number_)].bytes, &x, sizeof(T));
        meet_warp();
        std::memcpy(&x, shared_->given[static_cast<std::size_t>(from)].bytes, sizeof(T));
        meet_warp();
        return x;
    }

    played_memory* shared_;
    int            number_;
};

/// A GPU of one block, played by threads: rows go to its teams, and elements in packs, as exec/cuda deals them out. Team is warp_team<played_lanes>
/// or block_team<N, played_lanes>.
template <class Team, int threads>
class played_block {
  public:
    template <class T>
    using buffer = midtrain::host_buffer<T>;
    static constexpr bool shares_memory = true;

    template <class T>
    buffer<T> make(midtrain::index_t n) {
        return buffer<T>(n);
    }
    template <class F>
    void elements(midtrain::index_t n, F const& f) {
        if constexpr (midtrain::offers_packs<F>) {
            if (f.packs()) {
                midtrain::by_packs<F> const packs{f, n};
                for (midtrain::index_t p = 0; p < packs.elements(); ++p) packs(p);
                return;
            }
        }
        for (midtrain::index_t i = 0; i < n; ++i) f(i);
    }
    template <class F>
    void rows(midtrain::index_t n, F const& f) {
        auto task = [&](int t) {
            Team const team{played_lanes(memory_, t)};
            for (midtrain::index_t r = t / Team::size; r < n; r += threads / Team::size) f(team, r);
        };
        pool_.run(task);
    }
    /// The host's: a GPU's is the vendor's, too.
    template <class Problem>
    void gemm(Problem const& p) {
        products_.gemm(p);
    }
    template <class T>
    void upload(T const* from, midtrain::row_view<T> to) {
        std::copy_n(from, to.size(), to.data);
    }
    template <class T>
    void download(midtrain::row_view<T const> from, T* to) {
        std::copy_n(from.data, from.size(), to);
    }
    void wait() {}

  private:
    midtrain::thread_pool pool_{threads};
    played_memory         memory_{threads};
    midtrain::host        products_{1};
};

using played_warps = played_block<midtrain::warp_team<played_lanes>, 64>;
template <int N>
using played_blocks = played_block<midtrain::block_team<N, played_lanes>, N>;

}  // namespace test
