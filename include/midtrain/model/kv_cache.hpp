#pragma once
#include <algorithm>
#include <cstddef>
#include <vector>
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Keys and values of the tokens of one sequence so far, or the state that stands for them, as layers see them: each takes its part in
/// turn. Without memory it only counts.
template <class T, class C>
struct kv_cache {
    T*             data     = nullptr;
    matrix_view<C> scores   = {};  // (heads, capacity): workspace of a step
    index_t        capacity = 0;   ///< tokens; 0: nothing is kept, and attention is that of a batch
    index_t        used     = 0;   ///< tokens kept before this pass
    index_t        taken    = 0;   ///< values that layers took in this pass
    std::vector<matrix_view<T>> lent{};  ///< the parts that later layers see too, by the number of who took them

    /// A layer's part, (capacity, width).
    matrix_view<T> take(index_t width) {
        auto const at = taken;
        taken += capacity * width;
        return as_matrix(data ? data + at : nullptr, capacity, width);
    }
    void lend(index_t number, matrix_view<T> part) {
        lent.resize(std::max(lent.size(), static_cast<std::size_t>(number) + 1));
        lent[static_cast<std::size_t>(number)] = part;
    }
    /// A layer's part of n values of another type, however many tokens there are: a state that does not grow.
    template <class V>
    V* take_state(index_t n) {
        constexpr index_t aligned = 64, from = sizeof(V), to = sizeof(T);
        auto const        at      = (taken + aligned - 1) / aligned * aligned;
        taken                     = at + (n * from + to - 1) / to;
        return data ? reinterpret_cast<V*>(data + at) : nullptr;
    }
};

}  // namespace midtrain::inline MT_ABI
