#pragma once
#include <midtrain/core/required.hpp>
#include <midtrain/core/types.hpp>
#include <midtrain/position/maps.hpp>

// Stretching by a larger base: h = base'^(-2 i / D), g = m, alpha = 1. The three differ in where the base comes from.
namespace midtrain::inline MT_ABI::position {

/// NTK-aware: base' = base s^(D / (D - 2)), so that the slowest pair is divided by s and the fastest kept (YaRN paper, eq. 14-16).
struct ntk {
    required<double>  base;
    required<index_t> trained, extended;

    constexpr double  factor() const { return stretch(trained, extended); }
    constexpr index_t context() const { return extended; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t) const {
        return plain_frequency(ntk_base(base, factor(), width), pair, width);
    }
    constexpr double         position(index_t t) const { return static_cast<double>(t); }
    constexpr double         temperature(index_t) const { return 1.0; }
    constexpr position_fault fault(index_t) const { return rope_fault(base, trained, extended); }
};

/// NTK-alpha: base' = base alpha^(D / (D - 2)) with an alpha of one's own, for a context of `length` (Hunyuan's modeling_hunyuan.py, where
/// alpha is 1000 for 256K from a base of 10,000).
struct ntk_alpha {
    required<double>  base, alpha;
    required<index_t> length;  ///< the context it is meant for

    constexpr index_t context() const { return length; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t) const {
        return plain_frequency(ntk_base(base, alpha, width), pair, width);
    }
    constexpr double         position(index_t t) const { return static_cast<double>(t); }
    constexpr double         temperature(index_t) const { return 1.0; }
    constexpr position_fault fault(index_t) const {
        auto const f = rope_fault(base, length);
        return f == position_fault::none && !(alpha >= 1) ? position_fault::factor : f;
    }
};

/// Dynamic NTK: base' = base (f l / L - (f - 1))^(D / (D - 2)) for sequences of l tokens, L = trained; up to L nothing is stretched. Type
/// "dynamic" in transformers, which takes L from max_position_embeddings. With f = 1 it is the form of the YaRN paper, section 3.3:
/// NTK-aware with s = l / L.
struct dynamic_ntk {
    required<double>  base;
    required<index_t> trained, extended;
    double            factor = 1;  ///< f

    constexpr index_t context() const { return extended; }
    constexpr double  inverse_frequency(index_t pair, index_t width, index_t length) const {
        double const s = length > trained ? factor * stretch(trained, length) - (factor - 1.0) : 1.0;
        return plain_frequency(ntk_base(base, s, width), pair, width);
    }
    constexpr double         position(index_t t) const { return static_cast<double>(t); }
    constexpr double         temperature(index_t) const { return 1.0; }
    constexpr position_fault fault(index_t) const {
        auto const f = rope_fault(base, trained, extended);
        return f == position_fault::none && !(factor >= 1) ? position_fault::factor : f;
    }
};

}  // namespace midtrain::inline MT_ABI::position

namespace midtrain::inline MT_ABI {
using position::dynamic_ntk;
using position::ntk;
using position::ntk_alpha;
}  // namespace midtrain::inline MT_ABI
