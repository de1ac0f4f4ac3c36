#pragma once
#include <atomic>
#include <memory>
#include <thread>
#include <vector>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// Threads that wait for work and share one task at a time. run(f) calls f(t) once for each t in 0 .. size()-1, on as many
/// threads, and returns when all are done. Called from within a task it runs all of them in place.
class thread_pool {
  public:
    explicit thread_pool(int threads) {
        for (int t = 1; t < threads; ++t) workers_.emplace_back([this, t] { serve(t); });
    }
    ~thread_pool() {
        stop_ = true;
        generation_.fetch_add(1);
        generation_.notify_all();
        for (auto& w : workers_) w.join();
    }
    thread_pool(thread_pool const&)            = delete;
    thread_pool& operator=(thread_pool const&) = delete;

    int size() const { return static_cast<int>(workers_.size()) + 1; }

    template <class F>
    void run(F& f) {
        if (workers_.empty() || inside()) {
            for (int t = 0; t < size(); ++t) f(t);
            return;
        }
        call_ = [](void* g, int t) { (*static_cast<F*>(g))(t); };
        data_ = &f;
        left_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
        generation_.fetch_add(1, std::memory_order_release);
        generation_.notify_all();
        inside() = true;
        f(0);
        inside() = false;
        for (int spin = 0; spin < spins && left_.load(std::memory_order_acquire) != 0; ++spin) pause();
        for (int n; (n = left_.load(std::memory_order_acquire)) != 0;) left_.wait(n, std::memory_order_acquire);
    }

    /// f(next) on all threads, where next() gives 0, 1, 2 and so on, each to the thread that asks first.
    template <class F>
    void deal(F const& f) {
        std::atomic<index_t> next{0};
        auto                 task = [&](int) { f([&] { return next.fetch_add(1, std::memory_order_relaxed); }); };
        run(task);
    }

  private:
    static constexpr int spins = 4000;  // some ten microseconds, shorter than a step's serial parts

    static void pause() { std::atomic_signal_fence(std::memory_order_seq_cst); }
    static bool& inside() {
        thread_local bool is = false;
        return is;
    }

    void serve(int t) {
        inside()      = true;
        unsigned seen = 0;
        for (;;) {
            for (int spin = 0; spin < spins && generation_.load(std::memory_order_acquire) == seen; ++spin) pause();
            generation_.wait(seen, std::memory_order_acquire);
            seen = generation_.load(std::memory_order_acquire);
            if (stop_) return;
            call_(data_, t);
            if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) left_.notify_one();
        }
    }

    std::vector<std::thread> workers_;
    std::atomic<unsigned>    generation_{0};
    std::atomic<int>         left_{0};
    std::atomic<bool>        stop_{false};
    void (*call_)(void*, int) = nullptr;
    void* data_               = nullptr;
};

}  // namespace midtrain::inline MT_ABI
