#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <midtrain/core/each.hpp>
#include <midtrain/core/error.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/mixture/sources.hpp>

namespace midtrain::inline MT_ABI {

namespace detail {

template <template <class> class Sources>
constexpr auto tokens_by_source(Sources<each<tokens>> const& sizes) {
    return as_array(sizes);
}

}  // namespace detail

/// Holds the sizes that a mixture was given, and those of one within it, against the files: within one in a hundred, so that they may be
/// round. `has`: tokens by source; one below zero is not known. An error names stage and source. Sizes that are not each<tokens> are a
/// policy's own business.
template <class Mixture>
void check_sizes(Mixture const& mixture, std::string const& stage, std::span<std::string const> names, std::span<std::int64_t const> has) {
    auto const inside = [&](auto const& one) { check_sizes(one, stage, names, has); };
    if constexpr (requires { mixture.visit(inside); }) mixture.visit(inside);
    if constexpr (requires { detail::tokens_by_source(mixture.sizes); }) {
        auto const said = detail::tokens_by_source(mixture.sizes);
        for (std::size_t i = 0; i < said.size() && i < has.size(); ++i) {
            auto const real = static_cast<double>(has[i]);
            check(has[i] < 0 || std::abs(said[i] - real) <= 0.01 * real, [&] {
                return "stage '" + stage + "': the mixture says that source '" + names[i] + "' has " +
                       std::to_string(static_cast<std::int64_t>(said[i])) + " tokens; its file has " + std::to_string(has[i]);
            });
        }
    }
    if constexpr (requires { mixture.of; }) inside(mixture.of);
    if constexpr (requires { mixture.fresh; }) inside(mixture.fresh);
}

}  // namespace midtrain::inline MT_ABI
