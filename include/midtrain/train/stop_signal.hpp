#pragma once
#include <atomic>
#include <csignal>
#include <mutex>

namespace midtrain::inline MT_ABI {

/// While one lives, SIGINT and SIGTERM do not end the program but ask it to stop at the next good moment; a second one of either ends
/// it as usual. Several may live, such as one a rank that is a thread: all are asked.
class stop_signal {
  public:
    stop_signal() {
        auto&                             all = shared();
        std::lock_guard<std::mutex> const lock(all.mutex);
        if (all.living++ > 0) return;
        asked() = 0;
        struct sigaction act {};
        act.sa_handler = [](int) { asked() = 1; };
        act.sa_flags   = static_cast<int>(SA_RESETHAND);
        sigaction(SIGINT, &act, &all.before[0]);
        sigaction(SIGTERM, &act, &all.before[1]);
    }
    ~stop_signal() {
        auto&                             all = shared();
        std::lock_guard<std::mutex> const lock(all.mutex);
        if (--all.living > 0) return;
        sigaction(SIGINT, &all.before[0], nullptr);
        sigaction(SIGTERM, &all.before[1], nullptr);
    }
    stop_signal(stop_signal const&)            = delete;
    stop_signal& operator=(stop_signal const&) = delete;

    bool came() const { return asked() != 0; }

  private:
    struct state {
        std::mutex       mutex;
        int              living = 0;
        struct sigaction before[2] {};
    };
    static state& shared() {
        static state all;
        return all;
    }
    static std::atomic<int>& asked() {  // a handler may write it, since it has no lock
        static std::atomic<int> is{0};
        static_assert(std::atomic<int>::is_always_lock_free);
        return is;
    }
};

}  // namespace midtrain::inline MT_ABI
