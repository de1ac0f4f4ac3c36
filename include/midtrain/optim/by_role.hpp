#pragma once
#include <midtrain/core/types.hpp>
#include <midtrain/problem/parameters.hpp>

// What a parameter's rate is multiplied by: a function of its role and shape, (rows, columns) = (outputs, inputs).
namespace midtrain::inline MT_ABI {

/// The same rate for all: nothing is kept and nothing is done.
struct same_rate {
    constexpr double factor(role, index_t, index_t) const { return 1; }
};

/// A multiple for each role, and muP's by width: with a base width, a matrix has base_width / inputs of the rate on top (Yang et al. 2022,
/// Tensor Programs V, table 3, Adam, where the head and what maps the width to a few, a router, have it like a matrix). Hunyuan-Large gives
/// its routed experts 0.31.
struct by_role {
    double  embedding  = 1;
    double  matrix     = 1;
    double  norm       = 1;
    double  bias       = 1;
    double  expert     = 1;
    double  router     = 1;
    double  head       = 1;
    index_t base_width = 0;  ///< inputs of a matrix for which the rate was found; 0: the width does not count

    constexpr double factor(role r, index_t, index_t columns) const {
        bool const   mixes = r == role::matrix || r == role::expert || r == role::router || r == role::head;
        bool const   wide  = base_width > 0 && columns > 0 && mixes;
        double const width = wide ? static_cast<double>(base_width) / static_cast<double>(columns) : 1.0;
        switch (r) {
            case role::embedding: return embedding;
            case role::norm:
            case role::state: return norm;
            case role::bias: return bias;
            case role::expert: return expert * width;
            case role::router: return router * width;
            case role::head: return head * width;
            default: return matrix * width;
        }
    }
    constexpr bool fits() const {
        return embedding >= 0 && matrix >= 0 && norm >= 0 && bias >= 0 && expert >= 0 && router >= 0 && head >= 0 && base_width >= 0;
    }
};

}  // namespace midtrain::inline MT_ABI
