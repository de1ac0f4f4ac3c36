#pragma once
#include <type_traits>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// In a policy's braces: the rate that the checkpoint had from which the run forks.
struct inherit_t {};
inline constexpr inherit_t inherit{};

/// Where a rate begins: a number, or `inherit`. The trainer fills an inherited one when the run forks, and refuses to begin where there is
/// no parent to inherit from. Until then it stands for one, so that a plan shows the rate as a multiple of the trunk's.
class start_rate {
  public:
    constexpr start_rate(inherit_t) : value_(1), inherited_(true) {}
    template <class T>
        requires std::is_arithmetic_v<T>
    constexpr start_rate(T given) : value_(static_cast<double>(given)) {}

    constexpr operator double() const { return value_; }
    constexpr bool inherited() const { return inherited_; }
    constexpr void fill(double trunk) { value_ = inherited_ ? trunk : value_; }

  private:
    double value_     = 0;
    bool   inherited_ = false;
};

}  // namespace midtrain::inline MT_ABI
