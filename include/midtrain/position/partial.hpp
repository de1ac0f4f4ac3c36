#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/maps.hpp>

namespace midtrain::inline MT_ABI::position {

/// Any policy on the first share of each head's values; the others do not turn. Pairs and frequencies are those of a head of that width:
/// "partial_rotary_factor" in transformers, rotary_percent in Megatron-LM, n_rot in llama.cpp (GPT-J, 2021).
template <class Policy>
struct partial {
    required<double> share;
    Policy           policy;

    constexpr index_t rotary_width(index_t head_size) const {
        return rotary_width_of(policy, static_cast<index_t>(static_cast<double>(head_size) * share));
    }
    constexpr index_t context() const { return policy.context(); }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t length) const {
        return policy.inverse_frequency(pair, width, length);
    }
    constexpr double  position(index_t t) const { return policy.position(t); }
    constexpr double  temperature(index_t length) const { return policy.temperature(length); }
    constexpr double  score_factor(index_t length) const { return score_factor_of(policy, length); }
    constexpr index_t plain_start() const { return plain_start_of(policy); }
    constexpr double  plain_frequency(index_t pair, index_t width) const {
        if constexpr (requires { policy.plain_frequency(pair, width); }) return policy.plain_frequency(pair, width);
        else return policy.inverse_frequency(pair, width, 1);
    }
    constexpr position_fault fault(index_t head_size) const {
        index_t const width = share > 0 && share <= 1 ? rotary_width(head_size) : 0;
        return width < 2 || width % 2 != 0 ? position_fault::part : position_fault_of(policy, width);
    }
};

/// p-RoPE (Barbero et al. 2024; Gemma 4): the first share of all pairs turns with the frequencies of the whole head, h = theta / factor, and
/// the slowest do not turn at all. Type "proportional" in transformers.
struct proportional {
    required<double>  base;
    required<index_t> length;  ///< the context it is meant for
    required<double>  share;
    double            factor = 1;

    constexpr index_t context() const { return length; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t) const {
        auto const turning = static_cast<index_t>(share * static_cast<double>(width) / 2.0);
        return pair < turning ? plain_frequency(base, pair, width) / factor : 0.0;
    }
    constexpr double         position(index_t t) const { return static_cast<double>(t); }
    constexpr double         temperature(index_t) const { return 1.0; }
    constexpr position_fault fault(index_t head_size) const {
        if (auto const f = rope_fault(base, length); f != position_fault::none) return f;
        if (!(factor >= 1)) return position_fault::factor;
        return share <= 1 && share * static_cast<double>(head_size) >= 2 ? position_fault::none : position_fault::part;
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::partial;
using position::proportional;
}  // namespace midtrain::inline MT_ABI
