#pragma once
#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <utility>
#include <vector>
#include <midtrain/core/error.hpp>
#include <midtrain/core/view.hpp>
#include <midtrain/problem/gemm.hpp>
#include <support/far_device.hpp>

namespace test {

/// A far_device that does what it is asked for as late as it may: when somebody waits. What it repeats is, to the letter, what was asked for when
/// it was captured. So host memory that changes too early, a number that is passed by value but changes from step to step, and a wait or an
/// allocation within a step, all show without a GPU.
class late_device {
    using work = std::function<void(far_device&)>;

  public:
    template <class T>
    using buffer = far_buffer<T>;
    using marker = std::int64_t;

    template <class T>
    struct host_buffer {
        std::vector<T> values;
        midtrain::row_view<T> view() { return {values.data(), static_cast<midtrain::index_t>(values.size())}; }
        midtrain::index_t     size() const { return static_cast<midtrain::index_t>(values.size()); }
    };

    static constexpr bool shares_memory = false;

    /// Whether steps are captured at all.
    explicit late_device(bool captures = true) : captures_(captures) {}

    template <class T>
    far_buffer<T> make(midtrain::index_t n) {
        midtrain::check(!capturing_, "memory is made in a captured step");
        return far_.make<T>(n);
    }
    template <class T>
    host_buffer<T> make_host(midtrain::index_t n) {
        midtrain::check(!capturing_, "memory is made in a captured step");
        return {std::vector<T>(static_cast<std::size_t>(n))};
    }
    template <class F>
    void elements(midtrain::index_t n, F const& f) {
        ask([=](far_device& d) { d.elements(n, f); });
    }
    template <class F>
    void rows(midtrain::index_t n, F const& f) {
        ask([=](far_device& d) { d.rows(n, f); });
    }
    template <class A, class B, class C>
    void gemm(midtrain::gemm_problem<A, B, C> const& p) {
        ask([=](far_device& d) { d.gemm(p); });
    }
    template <class T>
    void send(T const* from, midtrain::row_view<T> to) {
        midtrain::check(!capturing_, "the host's memory is sent in a captured step");
        ask([=](far_device& d) { d.upload(from, to); });
    }
    template <class T>
    void fetch(midtrain::row_view<T const> from, T* to) {
        ask([=](far_device& d) { d.download(from, to); });
    }
    template <class T>
    void upload(T const* from, midtrain::row_view<T> to) {
        wait();
        far_.upload(from, to);
    }
    template <class T>
    void download(midtrain::row_view<T const> from, T* to) {
        wait();
        far_.download(from, to);
    }
    /// Work of somebody else's on this device's memory, in its turn: w(far_device&).
    void also(work w) { ask(std::move(w)); }
    bool holds(void const* data) const { return far_.holds(data); }

    marker mark() const { return asked_; }
    void   reach(marker m) {
        midtrain::check(!capturing_, "a captured step waits");
        ++waits_;
        for (; done_ < m; ++done_) {
            queue_.front()(far_);
            queue_.pop_front();
        }
    }
    void wait() { reach(asked_); }

    template <class F>
    void repeat(std::span<std::uint64_t const> form, std::span<double const> numbers, F const& f) {
        if (!captures_) return f();
        auto& seen = seen_[{form.begin(), form.end()}];
        if (seen.runs++ == 0) return f();  // what is made at the first time is made now
        if (seen.captured.empty() || !std::equal(numbers.begin(), numbers.end(), seen.numbers.begin(), seen.numbers.end())) {
            seen.captured.clear();
            seen.numbers.assign(numbers.begin(), numbers.end());
            capturing_ = &seen.captured;
            f();
            capturing_ = nullptr;
            ++captures_made_;
        } else ++replays_;
        for (auto const& w : seen.captured) ask(w);
    }

    std::int64_t waits() const { return waits_; }
    std::int64_t replays() const { return replays_; }
    std::int64_t captures() const { return captures_made_; }
    std::int64_t waiting() const { return asked_ - done_; }  ///< pieces of work that were asked for and not done

  private:
    struct known {
        std::int64_t        runs = 0;
        std::vector<double> numbers;
        std::vector<work>   captured;
    };

    void ask(work w) {
        if (capturing_) {
            capturing_->push_back(std::move(w));
            return;
        }
        queue_.push_back(std::move(w));
        ++asked_;
    }

    far_device                                   far_;
    std::deque<work>                             queue_;
    std::map<std::vector<std::uint64_t>, known>  seen_;
    std::vector<work>*                           capturing_ = nullptr;
    bool                                         captures_;
    std::int64_t                                 asked_ = 0, done_ = 0, waits_ = 0, replays_ = 0, captures_made_ = 0;
};

}  // namespace test
