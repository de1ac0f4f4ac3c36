#pragma once
#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <midtrain/core/bf16.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::detail {

/// to(i) = ((parts[0](i) + parts[1](i)) + parts[2](i)) + ..., always in the order of the ranks, so that the sum of one value has the same
/// bits however many are summed with it. bfloat16 is added in float and rounded once. `to` may be one of the parts.
template <class T>
void add_in_order(std::span<T const* const> parts, index_t n, T* to) {
    static_assert(std::is_arithmetic_v<T> || std::is_same_v<T, bf16>, "midtrain: ranks sum numbers: float, double, bf16 or integers");
    using total = std::conditional_t<std::is_same_v<T, bf16>, float, T>;
    constexpr index_t       most = 256;
    std::array<total, most> sum;
    for (index_t first = 0; first < n; first += most) {
        index_t const count = std::min(most, n - first);
        for (index_t i = 0; i < count; ++i) sum[static_cast<std::size_t>(i)] = static_cast<total>(parts[0][first + i]);
        for (auto const* part : parts.subspan(1))
            for (index_t i = 0; i < count; ++i) sum[static_cast<std::size_t>(i)] += static_cast<total>(part[first + i]);
        for (index_t i = 0; i < count; ++i) to[first + i] = static_cast<T>(sum[static_cast<std::size_t>(i)]);
    }
}

/// Where part r of n values begins, of as many parts as there are ranks.
constexpr index_t part_begin(index_t n, int r, int ranks) { return n * r / ranks; }

}  // namespace midtrain::inline MT_ABI::detail
