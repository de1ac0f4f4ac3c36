#pragma once
#include <midtrain/core/view.hpp>

namespace midtrain::inline MT_ABI {

/// Keys and values of the tokens of one sequence so far, as layers see them: each takes its part in turn. Without memory it only counts.
template <class T, class C>
struct kv_cache {
    T*             data     = nullptr;
    matrix_view<C> scores   = {};  // (heads, capacity): workspace of a step
    index_t        capacity = 0;   ///< tokens; 0: nothing is kept, and attention is that of a batch
    index_t        used     = 0;   ///< tokens kept before this pass
    index_t        taken    = 0;   ///< values that layers took in this pass

    /// A layer's part, (capacity, width).
    matrix_view<T> take(index_t width) {
        auto const at = taken;
        taken += capacity * width;
        return as_matrix(data ? data + at : nullptr, capacity, width);
    }
};

}  // namespace midtrain::inline MT_ABI
