#pragma once
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// Who wants to know, while backward works, how many values of the flat gradient, from its beginning on, will not change any more. Points to
/// a function object that outlives it; without one nobody is told.
class gradient_listener {
  public:
    gradient_listener() = default;
    template <class F>
    explicit gradient_listener(F& who) : who_(&who), tell_([](void* to, index_t values) { (*static_cast<F*>(to))(values); }) {}

    explicit operator bool() const { return tell_ != nullptr; }
    void     operator()(index_t values) const { tell_(who_, values); }

  private:
    void* who_                   = nullptr;
    void (*tell_)(void*, index_t) = nullptr;
};

}  // namespace midtrain::inline MT_ABI
