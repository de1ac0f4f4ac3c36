#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <midtrain/core/error.hpp>
#include <midtrain/mixture/sources.hpp>

namespace midtrain::inline MT_ABI {

/// Holds the sizes that a mixture was given, and those of one within it, against the files: within one in a hundred, so that they may be
/// round. `tokens`: by source; one below zero is not known. An error names stage and source.
template <class Mixture>
void check_sizes(Mixture const& mixture, std::string const& stage, std::span<std::string const> names, std::span<std::int64_t const> tokens) {
    auto const inside = [&](auto const& one) { check_sizes(one, stage, names, tokens); };
    if constexpr (requires { mixture.visit(inside); }) mixture.visit(inside);
    if constexpr (requires { as_array(mixture.sizes); }) {
        auto const said = as_array(mixture.sizes);
        for (std::size_t i = 0; i < said.size() && i < tokens.size(); ++i) {
            auto const has = static_cast<double>(tokens[i]);
            check(tokens[i] < 0 || std::abs(said[i] - has) <= 0.01 * has, [&] {
                return "stage '" + stage + "': the mixture says that source '" + names[i] + "' has " +
                       std::to_string(static_cast<std::int64_t>(said[i])) + " tokens; its file has " + std::to_string(tokens[i]);
            });
        }
    }
    if constexpr (requires { mixture.of; }) inside(mixture.of);
    if constexpr (requires { mixture.fresh; }) inside(mixture.fresh);
}

}  // namespace midtrain::inline MT_ABI
