#pragma once
#include <chrono>
#include <cstddef>
#include <vector>

namespace bench {

/// Stamps of the processor's clock: the host has done what it was asked for.
class host_clock {
  public:
    template <class Device>
    explicit host_clock(Device&) {}

    static constexpr bool counts() { return true; }
    static constexpr bool begins_anew() { return false; }
    static constexpr bool repeats() { return false; }
    void                  forget() { stamps_.clear(); }
    std::size_t           stamp() { return stamps_.push_back(std::chrono::steady_clock::now()), stamps_.size() - 1; }
    double                seconds(std::size_t begin, std::size_t end) const { return std::chrono::duration<double>(stamps_[end] - stamps_[begin]).count(); }

  private:
    std::vector<std::chrono::steady_clock::time_point> stamps_;
};

}  // namespace bench
