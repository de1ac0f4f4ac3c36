#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/maps.hpp>

namespace midtrain::inline MT_ABI::position {

/// Llama 3.1's scaling: what by_parts does, between 1 and 4 turns, with a factor that need not be extended / trained: Llama 3.1 goes from
/// 8,192 to 131,072 with 8. Type "llama3" in transformers.
struct llama3 {
    required<double>  base;
    required<index_t> trained, extended;
    required<double>  factor;
    double            slow = 1, fast = 4;  ///< turns over the trained context

    constexpr index_t context() const { return extended; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t) const {
        double const theta = plain_frequency(base, pair, width);
        return blended(theta, factor, ramp(turns_over(trained, theta), slow, fast));
    }
    constexpr double         position(index_t t) const { return static_cast<double>(t); }
    constexpr double         temperature(index_t) const { return 1.0; }
    constexpr position_fault fault(index_t) const {
        if (auto const f = rope_fault(base, trained, extended); f != position_fault::none) return f;
        return !(factor >= 1) ? position_fault::factor : !(slow > 0 && slow < fast) ? position_fault::ramp : position_fault::none;
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::llama3;
}
