#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/maps.hpp>

namespace midtrain::inline MT_ABI::position {

/// NTK-by-parts: slow pairs are divided by s and fast ones kept, h = (1 - gamma) theta / s + gamma theta, where gamma grows in a straight
/// line from 0 at `slow` turns over the trained context to 1 at `fast`; g = m, alpha = 1 (YaRN paper, eq. 17-20; 1 and 32 for Llama).
struct by_parts {
    required<double>  base;
    required<index_t> trained, extended;
    double            fast = 32, slow = 1;  ///< turns over the trained context

    constexpr double  factor() const { return stretch(trained, extended); }
    constexpr index_t context() const { return extended; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t) const {
        double const theta = plain_frequency(base, pair, width);
        return blended(theta, factor(), ramp(turns_over(trained, theta), slow, fast));
    }
    constexpr double         position(index_t t) const { return static_cast<double>(t); }
    constexpr double         temperature(index_t) const { return 1.0; }
    constexpr position_fault fault(index_t) const {
        auto const f = rope_fault(base, trained, extended);
        return f == position_fault::none && !(slow > 0 && slow < fast) ? position_fault::ramp : f;
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::by_parts;
}
