#pragma once
#include <cmath>
#include <string>
#include <midtrain/core/math.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/scaled.hpp>

namespace midtrain::inline MT_ABI::io {

/// A position policy in the words of config.json, as transformers' modeling_rope_utils reads them.
struct hf_rotary {
    std::string type    = "default";    ///< rope_type: default, linear or yarn
    double      base    = 10'000;       ///< rope_theta
    index_t     context = 0;            ///< max_position_embeddings
    double      factor  = 1;            ///< of linear and yarn
    index_t     trained = 0;            ///< original_max_position_embeddings of yarn
    double      fast = 32, slow = 1;    ///< beta_fast, beta_slow of yarn
};

namespace detail {
template <class>
constexpr bool no_words = false;
}

/// What config.json says for a policy and heads of that size. NTK has no static form there, so it is written as what it is: plain
/// rotary with the larger base times s^(D / (D - 2)), D = head_size.
template <class Policy>
hf_rotary hf_rotary_of(Policy const&, index_t) {
    static_assert(detail::no_words<Policy>,
                  "midtrain: config.json has no words for this position policy: give rope, interpolated, ntk or yarn, "
                  "or an overload  hf_rotary hf_rotary_of(your_policy const&, index_t head_size). See midtrain/io/hf_rotary.hpp");
    return {};
}
inline hf_rotary hf_rotary_of(position::rope const& p, index_t) { return {.base = p.base, .context = p.length}; }
inline hf_rotary hf_rotary_of(position::interpolated const& p, index_t) {
    return {.type = "linear", .base = p.base, .context = p.extended, .factor = p.factor()};
}
inline hf_rotary hf_rotary_of(position::ntk const& p, index_t head_size) {
    double const d = static_cast<double>(head_size);
    return {.base = p.base * math::pow(p.factor(), d / (d - 2.0)), .context = p.extended};
}
inline hf_rotary hf_rotary_of(position::yarn const& p, index_t) {
    return {.type = "yarn", .base = p.base, .context = p.extended, .factor = p.factor(), .trained = p.trained,
            .fast = p.fast, .slow = p.slow};
}

/// Equal but for rounding in the ninth digit.
inline bool nearly(double a, double b) { return std::abs(a - b) <= 1e-9 * std::abs(b); }

}  // namespace midtrain::inline MT_ABI::io
