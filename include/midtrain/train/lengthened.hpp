#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>
#include <midtrain/core/types.hpp>
#include <midtrain/position/context_steps.hpp>
#include <midtrain/train/stage.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

/// "long" and 3 make "long_3"; numbers up to 99.
constexpr short_name numbered(std::string_view name, std::size_t k) {
    std::array<char, short_name::capacity + 8> text{};
    std::size_t n = std::min(name.size(), std::size_t{short_name::capacity});
    for (std::size_t i = 0; i < n; ++i) text[i] = name[i];
    text[n++] = '_';
    if (k > 9) text[n++] = static_cast<char>('0' + k / 10);
    text[n++] = static_cast<char>('0' + k % 10);
    return short_name(std::string_view(text.data(), n));
}

}  // namespace detail

/// `first` at the length that step k of `steps` has: its positions reach there, its name says k, and a batch keeps its tokens as far as
/// whole micro-batches allow. A micro-batch is made smaller where a batch no longer holds one.
template <class Stage>
constexpr Stage lengthened_stage(Stage first, position::context_steps const& steps, int k) {
    auto const tokens     = first.batch.size().count;
    first.name            = detail::numbered(first.name, static_cast<std::size_t>(k));
    first.batch.length    = steps.length(k);
    first.position        = position::reaching(first.position, steps.length(k));
    index_t const most    = std::max<index_t>(1, tokens / first.batch.length);
    first.batch.micro     = std::min(first.batch.micro, most);
    first.batch.sequences = most / first.batch.micro * first.batch.micro;
    return first;
}

/// N stages in which the context of `first` grows from `from` to `to`, each with the budget and the rate of `first` (Llama 3: six from 8K to
/// 128K). For mt::recipe::stages.
template <std::size_t N, class Stage>
constexpr auto lengthened(Stage const& first, index_t from, index_t to, index_t multiple = 1024) {
    static_assert(N >= 1 && N <= 99, "midtrain: a context grows in 1 to 99 stages");
    position::context_steps const steps{.from = from, .to = to, .steps = static_cast<int>(N), .multiple = multiple};
    return [&]<std::size_t... K>(std::index_sequence<K...>) {
        return stages{lengthened_stage(first, steps, static_cast<int>(K + 1))...};
    }(std::make_index_sequence<N>{});
}

}  // namespace midtrain::inline MT_ABI
