#pragma once
#include <atomic>
#include <exception>
#include <memory>
#include <thread>
#include <utility>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// At most one job beside the run. What it throws waits for finish(); the destructor waits for the job.
class background_job {
  public:
    background_job() = default;
    background_job(background_job&& other) noexcept = default;
    background_job& operator=(background_job&& other) noexcept {
        wait();
        thread_ = std::move(other.thread_), outcome_ = std::move(other.outcome_);
        return *this;
    }
    ~background_job() { wait(); }

    /// Starts f() in a thread of its own; throws std::system_error when there is none to be had. The last job was finished.
    template <class F>
    void begin(F f) {
        outcome_ = std::make_unique<outcome>();
        thread_  = std::thread([f = std::move(f), to = outcome_.get()]() mutable {
            try {
                f();
            } catch (...) {
                to->thrown = std::current_exception();
            }
            to->done.store(true, std::memory_order_release);
        });
    }
    /// Whether a job was begun and not yet finished.
    bool begun() const { return outcome_ && (thread_.joinable() || outcome_->done.load(std::memory_order_acquire)); }
    /// Whether finish() would not wait.
    bool done() const { return begun() && outcome_->done.load(std::memory_order_acquire); }
    /// Until the job has ended.
    void wait() {
        if (thread_.joinable()) thread_.join();
    }
    /// The same, and throws what it threw.
    void finish() {
        wait();
        auto const last = std::move(outcome_);
        if (last && last->thrown) std::rethrow_exception(last->thrown);
    }

  private:
    struct outcome {
        std::atomic<bool>  done{false};
        std::exception_ptr thrown;
    };

    std::unique_ptr<outcome> outcome_;
    std::thread              thread_;
};

}  // namespace midtrain::inline MT_ABI
