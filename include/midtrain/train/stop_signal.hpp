#pragma once
#include <csignal>
#include <initializer_list>

namespace midtrain::inline MT_ABI {

/// While one lives, SIGINT and SIGTERM do not end the program but ask it to stop at the next good moment; a second one of either ends
/// it as usual.
class stop_signal {
  public:
    stop_signal() {
        asked() = 0;
        struct sigaction act {};
        act.sa_handler = [](int) { asked() = 1; };
        act.sa_flags   = static_cast<int>(SA_RESETHAND);
        sigaction(SIGINT, &act, &before_[0]);
        sigaction(SIGTERM, &act, &before_[1]);
    }
    ~stop_signal() {
        sigaction(SIGINT, &before_[0], nullptr);
        sigaction(SIGTERM, &before_[1], nullptr);
    }
    stop_signal(stop_signal const&)            = delete;
    stop_signal& operator=(stop_signal const&) = delete;

    bool came() const { return asked() != 0; }

  private:
    static std::sig_atomic_t volatile& asked() {
        static std::sig_atomic_t volatile is = 0;
        return is;
    }
    struct sigaction before_[2] {};
};

}  // namespace midtrain::inline MT_ABI
