#pragma once
#include <concepts>
#include <type_traits>
#include <midtrain/core/bf16.hpp>

namespace midtrain::inline MT_ABI {

/// Three types: weights as the products read them and activations are `stored`; reductions and gradients of weights are `computed`; the
/// weights that the optimizer updates are `master`; bfloat16 there is rounded by chance. Law: what `stored` can hold survives the way through the others. The shortest one is
/// fp32 in midtrain/precision/precision.hpp. One that also offers `products`, an fp8_form, has linear layers multiply eight bits.
template <class P>
concept Precision = std::is_trivially_copyable_v<typename P::stored> && std::floating_point<typename P::computed> &&
                    (std::floating_point<typename P::master> || std::same_as<typename P::master, bf16>) &&
                    std::same_as<computed_t<typename P::stored>, typename P::computed> && requires {
                        { P::name } -> std::convertible_to<char const*>;
                    };

}  // namespace midtrain::inline MT_ABI
