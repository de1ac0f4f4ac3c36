#pragma once
#include <concepts>
#include <midtrain/core/types.hpp>
#include <midtrain/problem/parameters.hpp>

namespace midtrain::inline MT_ABI {

/// What a parameter's rate is multiplied by: a pure function of its role and shape, so that it is known before the first step. Law: finite
/// and not negative. One that depends on the model's width also has `at_width(index_t)`, which gives the policy of that width. The shortest one
/// is same_rate in midtrain/optim/by_role.hpp.
template <class Policy>
concept RoleRates = requires(Policy const policy, role of, index_t rows, index_t columns) {
    { policy.factor(of, rows, columns) } -> std::convertible_to<double>;
};

}  // namespace midtrain::inline MT_ABI
