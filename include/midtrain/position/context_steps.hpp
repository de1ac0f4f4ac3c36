#pragma once
#include <midtrain/core/math.hpp>
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>

namespace midtrain::inline MT_ABI::position {

/// The lengths of a context that grows in steps, each by the same ratio and rounded to a multiple; the last is `to` exactly. Llama 3 went from
/// 8K to 128K in six (Llama team 2024, section 3.4.2); it does not say which lengths lie between.
struct context_steps {
    required<index_t> from, to;
    required<int>     steps;
    index_t           multiple = 1024;

    /// After step k of 1 .. steps; that of step 0 is `from`.
    constexpr index_t length(int k) const {
        if (k <= 0) return from;
        if (k >= steps) return to;
        double const ratio = static_cast<double>(to) / static_cast<double>(from);
        double const exact = static_cast<double>(from) * math::pow(ratio, static_cast<double>(k) / steps);
        return static_cast<index_t>(exact / static_cast<double>(multiple) + 0.5) * multiple;
    }
};

/// The same policy for another context: its `length` or its `extended`, whichever it has.
template <class Policy>
constexpr Policy reaching(Policy policy, index_t context) {
    if constexpr (requires { policy.extended = context; }) policy.extended = context;
    else if constexpr (requires { policy.policy; policy.share; }) policy.policy = reaching(policy.policy, context);
    else policy.length = context;
    return policy;
}

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::context_steps;
using position::reaching;
}  // namespace midtrain::inline MT_ABI
