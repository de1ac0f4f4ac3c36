#pragma once
#include <midtrain/core/types.hpp>
#include <midtrain/problem/parameters.hpp>

// What a parameter's rate is multiplied by: a function of its role and shape, (rows, columns) = (outputs, inputs).
namespace midtrain::inline MT_ABI {

/// The same rate for all: nothing is kept and nothing is done.
struct same_rate {
    constexpr double factor(role, index_t, index_t) const { return 1; }
};

/// A multiple for each role, and muP's by width: with a base width, what maps the width to anything, matrices, experts, routers and the head,
/// has base_width / width of the rate on top, so that a rate found at the base width serves wider models whose other sizes grow alike (Yang et
/// al. 2022, Tensor Programs V, table 3, Adam). Hunyuan-Large gives its routed experts 0.31.
struct by_role {
    double  embedding  = 1;
    double  matrix     = 1;
    double  norm       = 1;
    double  bias       = 1;
    double  expert     = 1;
    double  router     = 1;
    double  head       = 1;
    index_t base_width = 0;  ///< of the model for which the rate was found; 0: the width does not count
    index_t width      = 0;  ///< of this model; 0: what at_width() is told

    /// For a model of that width, unless it is said already.
    constexpr by_role at_width(index_t model) const {
        by_role r = *this;
        if (r.width == 0) r.width = model;
        return r;
    }
    constexpr double factor(role r, index_t, index_t) const {
        double const by_width = base_width > 0 && width > 0 ? static_cast<double>(base_width) / static_cast<double>(width) : 1.0;
        switch (r) {
            case role::embedding: return embedding;
            case role::norm:
            case role::state: return norm;
            case role::bias: return bias;
            case role::expert: return expert * by_width;
            case role::router: return router * by_width;
            case role::head: return head * by_width;
            default: return matrix * by_width;
        }
    }
    constexpr bool fits() const {
        return embedding >= 0 && matrix >= 0 && norm >= 0 && bias >= 0 && expert >= 0 && router >= 0 && head >= 0 && base_width >= 0 &&
               width >= 0;
    }
};

}  // namespace midtrain::inline MT_ABI
