#pragma once
#include <midtrain/core/types.hpp>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Adds up a row of numbers over all ranks, where they lie. Points to a function object that outlives it; without one nothing is added.
template <class T>
class rank_sum {
  public:
    rank_sum() = default;
    template <class F>
    explicit rank_sum(F& who) : who_(&who), add_([](void* to, row_view<T> numbers) { (*static_cast<F*>(to))(numbers); }) {}

    void operator()(row_view<T> numbers) const {
        if (add_) add_(who_, numbers);
    }

  private:
    void* who_                       = nullptr;
    void (*add_)(void*, row_view<T>) = nullptr;
};

}  // namespace midtrain::inline MT_ABI
