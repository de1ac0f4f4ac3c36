#pragma once
#include <concepts>
#include <type_traits>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// What becomes of a score s = scale * q k before the softmax: score(s, query, key, head) with the positions of both tokens in their
/// document, and slope(s, query, key, head), its derivative by s, at the same s. A value of numbers only, since kernels copy it.
/// One whose work depends on the query may also offer for_query(query, head), with score(s, key) and slope(s, key) of its own: devices
/// then ask for that once a row.
/// Law: identity changes no bit; slope equals finite differences. The shortest one is `unmodified` in
/// midtrain/problem/score_row.hpp.
template <class Modifier>
concept ScoreModifier = std::is_trivially_copyable_v<Modifier> && requires(Modifier const m, double s, float f, index_t n) {
    { m.score(s, n, n, n) } -> std::same_as<double>;
    { m.score(f, n, n, n) } -> std::same_as<float>;
    { m.slope(s, n, n, n) } -> std::same_as<double>;
    { m.slope(f, n, n, n) } -> std::same_as<float>;
};

}  // namespace midtrain::inline MT_ABI
