#pragma once
#include <midtrain/position/rope.hpp>

namespace midtrain::inline MT_ABI::position {

/// Llama 3.1's scaling: pairs that turn fewer than `slow` times over the trained context are divided by the factor, those that turn more
/// than `fast` times are kept, and between the two the share kept grows in a straight line with the number of turns. Type "llama3" in
/// transformers. The factor need not be extended / trained: Llama 3.1 goes from 8,192 to 131,072 with 8.
struct llama3 {
    required<double>  base;
    required<index_t> trained, extended;
    required<double>  factor;
    double            slow = 1, fast = 4;

    constexpr index_t context() const { return extended; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t) const {
        double const f = plain_frequency(base, pair, width), turns = static_cast<double>(trained) * f / (2.0 * math::pi);
        double const kept = turns < slow ? 0.0 : turns > fast ? 1.0 : (turns - slow) / (fast - slow);
        return f * kept + f / factor * (1.0 - kept);
    }
    constexpr double position(index_t t) const { return static_cast<double>(t); }
    constexpr double temperature(index_t) const { return 1.0; }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::llama3;
}
