#pragma once
#include <algorithm>
#include <barrier>
#include <memory>
#include <type_traits>
#include <vector>
#include <midtrain/exec/host/buffer.hpp>
#include <midtrain/exec/host/thread_pool.hpp>
#include <midtrain/core/bf16.hpp>
#include <midtrain/problem/gemm.hpp>

namespace midtrain::inline MT_ABI {

/// A team of threads that strides as a block of a GPU does: a missing barrier or a sum in the wrong order shows here, under the
/// thread sanitizer, without a GPU.
class crowd_team {
  public:
    static constexpr bool takes_packs = true;

    crowd_team(int lane, int lanes, std::barrier<>& meet, void* slots) : lane_(lane), lanes_(lanes), meet_(&meet), slots_(slots) {}

    MT_HOST_DEVICE bool leads() const { return lane_ == 0; }

    MT_CALLS_ANY
    template <class F>
    MT_HOST_DEVICE void each(index_t n, F f) const {
        for (index_t i = lane_; i < n; i += lanes_) f(i);
        meet_->arrive_and_wait();
    }

    MT_CALLS_ANY
    template <class Monoid, class F>
    MT_HOST_DEVICE auto reduce(index_t n, Monoid, F f) const {
        using T = decltype(f(index_t{}));
        static_assert(sizeof(T) <= slot_size && std::is_trivially_copyable_v<T>);
        T mine = Monoid::template identity<T>();
        for (index_t i = lane_; i < n; i += lanes_) mine = Monoid::combine(mine, f(i));
        *slot<T>(lane_) = mine;
        meet_->arrive_and_wait();
        T all = *slot<T>(0);
        for (int l = 1; l < lanes_; ++l) all = Monoid::combine(all, *slot<T>(l));
        meet_->arrive_and_wait();  // nobody writes the slots again before all have read them
        return all;
    }

    static constexpr std::size_t slot_size = 64;

  private:
    template <class T>
    T* slot(int lane) const {
        return reinterpret_cast<T*>(static_cast<std::byte*>(slots_) + static_cast<std::size_t>(lane) * slot_size);
    }

    int             lane_, lanes_;
    std::barrier<>* meet_;
    void*           slots_;
};

/// A device whose every row is served by one team of `lanes` threads, for tests. It has no tuned ways: the plain functors run.
class crowd {
  public:
    template <class T>
    using buffer = host_buffer<T>;

    static constexpr bool shares_memory = true;  ///< with the host: what lies here, it reads and writes in place

    explicit crowd(int lanes = 8)
        : pool_(std::make_unique<thread_pool>(lanes)), meet_(std::make_unique<std::barrier<>>(lanes)),
          slots_(static_cast<index_t>(crowd_team::slot_size) * lanes) {}

    template <class T>
    host_buffer<T> make(index_t n) {
        return host_buffer<T>(n);
    }

    template <class F>
    void elements(index_t n, F const& f) {
        auto task = [&](int lane) {
            for (index_t i = lane; i < n; i += pool_->size()) f(i);
        };
        pool_->run(task);
    }

    template <class F>
    void rows(index_t n, F const& f) {
        auto task = [&](int lane) {
            crowd_team const team(lane, pool_->size(), *meet_, slots_.view().data);
            for (index_t r = 0; r < n; ++r) {
                f(team, r);
                meet_->arrive_and_wait();
            }
        };
        pool_->run(task);
    }

    template <class A, class B, class C>
    void gemm(gemm_problem<A, B, C> const& p) {
        elements(p.c.rows * p.c.columns, [p](index_t k) {
            index_t const  i = k / p.c.columns, j = k % p.c.columns;
            computed_t<C> total = p.accumulate ? computed_t<C>(p.c(i, j)) : computed_t<C>(0);
            for (index_t x = 0; x < p.inner(); ++x)
                total += computed_t<C>(p.a_is == operand::plain ? p.a(i, x) : p.a(x, i)) *
                         computed_t<C>(p.b_is == operand::plain ? p.b(x, j) : p.b(j, x));
            p.c(i, j) = C(total);
        });
    }

    void wait() {}

    template <class T>
    void upload(T const* from, row_view<T> to) {
        std::copy_n(from, to.size(), to.data);
    }
    template <class T>
    void download(row_view<T const> from, T* to) {
        std::copy_n(from.data, from.size(), to);
    }

  private:
    std::unique_ptr<thread_pool>    pool_;
    std::unique_ptr<std::barrier<>> meet_;
    host_buffer<std::byte>          slots_;
};

}  // namespace midtrain::inline MT_ABI
