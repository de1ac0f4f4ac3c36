#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::position {

/// Self-Extend (Jin et al. 2024, eq. 3-4), which reads longer texts than a model was trained on, without training: keys fewer than `window`
/// tokens back are as far off as they are; of all others positions are divided by `group`, rounded down, and the query's is moved by
/// window - window / group so that the two meet. A text of n tokens then reaches (n - window) / group + window. For evaluation.
struct self_extend {
    required<index_t> group, window;

    constexpr bool fits() const { return group >= 1 && window >= group; }

    static MT_HOST_DEVICE constexpr int forms() { return 2; }
    static MT_HOST_DEVICE constexpr int key_forms() { return 2; }
    static MT_HOST_DEVICE constexpr int key_form(int form) { return form; }
    MT_HOST_DEVICE constexpr index_t    first_key(int form, index_t query) const {
        return form == 0 && query >= window ? query - window + 1 : 0;
    }
    MT_HOST_DEVICE constexpr index_t query_position(int form, index_t t) const {
        return form == 0 ? t : t / group + window - window / group;
    }
    MT_HOST_DEVICE constexpr index_t key_position(int form, index_t t) const { return form == 0 ? t : t / group; }
    MT_HOST_DEVICE constexpr index_t reach(index_t length) const {
        index_t const grouped = query_position(1, length - 1) + 1;
        return length > window && grouped > length ? grouped : length;
    }
    MT_HOST_DEVICE constexpr index_t spans(index_t length) const {
        return length <= window ? length : query_position(1, length - 1) + 1;
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::self_extend;
}
