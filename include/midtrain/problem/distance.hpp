#pragma once
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// Tokens seem as far apart as they stand: what attention is trained with.
struct as_they_stand {
    static MT_HOST_DEVICE constexpr int     forms() { return 1; }
    static MT_HOST_DEVICE constexpr int     key_forms() { return 1; }
    static MT_HOST_DEVICE constexpr int     key_form(int) { return 0; }
    static MT_HOST_DEVICE constexpr index_t first_key(int, index_t) { return 0; }
    static MT_HOST_DEVICE constexpr index_t query_position(int, index_t t) { return t; }
    static MT_HOST_DEVICE constexpr index_t key_position(int, index_t t) { return t; }
    static MT_HOST_DEVICE constexpr index_t reach(index_t length) { return length; }
    static MT_HOST_DEVICE constexpr index_t spans(index_t length) { return length; }
};

/// The form in which a query sees a key, both as positions in their document.
template <class Distance>
MT_HOST_DEVICE constexpr int form_of(Distance const& d, index_t query, index_t key) {
    int form = 0;
    while (form + 1 < d.forms() && key < d.first_key(form, query)) ++form;
    return form;
}
/// How far apart they seem.
template <class Distance>
MT_HOST_DEVICE constexpr index_t distance_of(Distance const& d, index_t query, index_t key) {
    int const form = form_of(d, query, key);
    return d.query_position(form, query) - d.key_position(d.key_form(form), key);
}

}  // namespace midtrain::inline MT_ABI
