#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <midtrain/core/seconds_now.hpp>
#include <midtrain/train/step.hpp>
#include <midtrain/train/written.hpp>

namespace midtrain::inline MT_ABI {

/// When a step has taken too long, as it does when a rank hangs.
struct watchdog_options {
    double times           = 20;     ///< multiples of the median step
    double at_least        = 60;     ///< seconds, however short the median is; also for the first steps
    bool   abort           = false;  ///< end the program then; the last checkpoint is whole at every moment
    std::function<void(std::string const&)> say = [](std::string const& sentence) { std::fprintf(stderr, "%s\n", sentence.c_str()); };
};

/// A thread that looks whether the steps get on, and says once a step which one does not and what it is at. The loop pays a store a phase.
class watchdog {
  public:
    explicit watchdog(watchdog_options how) : how_(std::move(how)) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = std::thread([this] { look(); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    ~watchdog() {
        {
            std::lock_guard const lock(mutex_);
            ended_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }
    watchdog(watchdog const&)            = delete;
    watchdog& operator=(watchdog const&) = delete;

    void begin(std::int64_t step) {
        std::lock_guard const lock(mutex_);
        step_ = step, began_ = seconds_now(), running_ = true, said_ = false;
    }
    void enter(step_phase p) { phase_.store(p, std::memory_order_relaxed); }
    void end() {
        std::lock_guard const lock(mutex_);
        if (!running_) return;
        times_[count_++ % times_.size()] = seconds();
        running_                         = false;
    }

    /// As end(), but what went on does not count as a step.
    void leave() {
        std::lock_guard const lock(mutex_);
        running_ = false;
    }

  private:
    double seconds() const { return seconds_now() - began_; }
    double usual() const {
        auto const n = std::min(count_, times_.size());
        if (n < 3) return 0;
        auto sorted = times_;
        std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(n / 2),
                         sorted.begin() + static_cast<std::ptrdiff_t>(n));
        return sorted[n / 2];
    }
    static char const* name(step_phase p) {
        static constexpr char const* names[] = {"drawing data", "forward and backward", "the exchange between ranks", "the update",
                                                "saving"};
        return names[static_cast<std::size_t>(p)];
    }
    void look() {
        std::unique_lock lock(mutex_);
        auto const       pause = std::chrono::duration<double>(std::clamp(how_.at_least / 8, 0.002, 5.0));
        while (!changed_.wait_for(lock, pause, [this] { return ended_; })) {
            if (!running_ || said_ || seconds() <= std::max(how_.at_least, how_.times * usual())) continue;
            said_ = true;
            std::string sentence = "step " + std::to_string(step_) + " has taken " + written_duration(seconds());
            if (count_ >= 3) sentence += " where " + written_duration(usual()) + " is usual";
            sentence += std::string("; it is at ") + name(phase_.load(std::memory_order_relaxed));
            how_.say(how_.abort ? sentence + "; the program ends, and its last checkpoint is whole" : sentence);
            if (how_.abort) std::abort();
        }
    }

    watchdog_options        how_;
    std::mutex              mutex_;
    std::condition_variable changed_;
    bool                    ended_ = false, running_ = false, said_ = false;
    std::int64_t            step_ = 0;
    double                  began_ = 0;
    std::array<double, 32>  times_{};
    std::size_t             count_ = 0;
    std::atomic<step_phase> phase_{step_phase::data};
    std::thread             thread_;
};

}  // namespace midtrain::inline MT_ABI
