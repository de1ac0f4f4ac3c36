#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// x = 0, of so many values that none of them is soon read.
template <class T>
struct zero_problem {
    row_view<T> x;
};

}  // namespace midtrain::inline MT_ABI
