#pragma once
#include <cmath>
#include <string>
#include <string_view>
#include <midtrain/core/math.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/any_position.hpp>
#include <midtrain/position/llama3.hpp>
#include <midtrain/position/rope.hpp>
#include <midtrain/position/scaled.hpp>

namespace midtrain::inline MT_ABI::io {

/// A position policy in the words of config.json, as transformers' modeling_rope_utils reads them.
struct hf_rotary {
    std::string type    = "default";    ///< rope_type: default, linear, yarn or llama3
    double      base    = 10'000;       ///< rope_theta
    index_t     context = 0;            ///< max_position_embeddings
    double      factor  = 1;            ///< of all but default
    index_t     trained = 0;            ///< original_max_position_embeddings of yarn and llama3
    double      fast = 32, slow = 1;    ///< beta_fast, beta_slow of yarn; high_freq_factor, low_freq_factor of llama3
};

/// The ends of the ramp, as a type names them.
struct hf_ramp {
    char const *fast, *slow;
};
inline hf_ramp hf_ramp_keys(std::string_view type) {
    return type == "llama3" ? hf_ramp{"high_freq_factor", "low_freq_factor"} : hf_ramp{"beta_fast", "beta_slow"};
}

namespace detail {
template <class>
constexpr bool no_words = false;
}

/// What config.json says for a policy and heads of that size. NTK has no static form there, so it is written as what it is: plain
/// rotary with the larger base times s^(D / (D - 2)), D = head_size.
template <class Policy>
hf_rotary hf_rotary_of(Policy const&, index_t) {
    static_assert(detail::no_words<Policy>,
                  "midtrain: config.json has no words for this position policy: give rope, interpolated, ntk, yarn or llama3, "
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

inline hf_rotary hf_rotary_of(position::llama3 const& p, index_t) {
    return {.type = "llama3", .base = p.base, .context = p.extended, .factor = p.factor, .trained = p.trained,
            .fast = p.fast, .slow = p.slow};
}
inline hf_rotary hf_rotary_of(position::any_position const& p, index_t head_size) {
    return p.visit([&](auto const& one) { return hf_rotary_of(one, head_size); });
}

/// The policy that a config.json means.
inline position::any_position position_of(hf_rotary const& r) {
    if (r.type == "linear")
        return position::interpolated{
            .base = r.base, .trained = static_cast<index_t>(static_cast<double>(r.context) / r.factor + 0.5), .extended = r.context};
    if (r.type == "yarn")
        return position::yarn{.base = r.base, .trained = r.trained, .extended = r.context, .fast = r.fast, .slow = r.slow};
    if (r.type == "llama3")
        return position::llama3{
            .base = r.base, .trained = r.trained, .extended = r.context, .factor = r.factor, .slow = r.slow, .fast = r.fast};
    return position::rope{.base = r.base, .length = r.context};
}

/// Equal but for rounding in the ninth digit.
inline bool nearly(double a, double b) { return std::abs(a - b) <= 1e-9 * std::abs(b); }

}  // namespace midtrain::inline MT_ABI::io
