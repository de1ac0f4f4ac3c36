#pragma once
#include <concepts>
#include <type_traits>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// How far apart tokens seem to a rotary embedding, where that is not how far apart they stand. A query has a position for each of a few
/// forms, 0 for the keys next to it and larger ones for those farther off: form f holds for keys from first_key(f, query) up to where form
/// f - 1 begins, and the last form's first key is 0. A key has key_forms() positions, and form f reads the one of key_form(f).
/// Rotary tables must hold reach(length) positions for sequences of that length, and the model must know spans(length) distances. A value of numbers only, since kernels copy it.
/// Law: no distance is negative or reaches spans(length), no position reaches reach(length); the shortest one is `as_they_stand` in midtrain/problem/distance.hpp.
template <class Distance>
concept DistancePolicy = std::is_trivially_copyable_v<Distance> && requires(Distance const d, int form, index_t n) {
    { d.forms() } -> std::same_as<int>;
    { d.key_forms() } -> std::same_as<int>;
    { d.key_form(form) } -> std::same_as<int>;
    { d.first_key(form, n) } -> std::same_as<index_t>;
    { d.query_position(form, n) } -> std::same_as<index_t>;
    { d.key_position(form, n) } -> std::same_as<index_t>;
    { d.reach(n) } -> std::same_as<index_t>;
    { d.spans(n) } -> std::same_as<index_t>;
};

}  // namespace midtrain::inline MT_ABI
