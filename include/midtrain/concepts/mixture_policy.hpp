#pragma once
#include <concepts>
#include <cstddef>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI {

/// The share of each source in the next batch as a pure function of progress. Law: none negative, and their sum is one, over the whole
/// budget. The shortest one is fixed_mixture in midtrain/mixture/mixtures.hpp.
template <class Policy>
concept MixturePolicy = requires(Policy const policy, progress at) {
    { policy.weights(at).size() } -> std::convertible_to<std::size_t>;
    { policy.weights(at)[0] } -> std::convertible_to<double>;
};

}  // namespace midtrain::inline MT_ABI
