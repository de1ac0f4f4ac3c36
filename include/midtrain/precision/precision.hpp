#pragma once
#include <midtrain/core/bf16.hpp>

namespace midtrain::inline MT_ABI {

/// Everything in float.
struct fp32 {
    using stored                      = float;  ///< weights as the products read them, and activations
    using computed                    = float;  ///< reductions, gradients of weights
    using master                      = float;  ///< the weights that the optimizer updates
    static constexpr char const* name = "fp32";
};

/// Weights and activations in bfloat16 with float master weights, moments and reductions (Micikevicius et al. 2018).
struct bf16_mixed {
    using stored                      = bf16;
    using computed                    = float;
    using master                      = float;
    static constexpr char const* name = "bf16";
};

/// Weights in bfloat16 alone, without a float copy: the optimizer rounds new ones by chance, so that steps too small for 8 bits count in the
/// mean (Gupta et al. 2015; for language models Zamirai et al. 2020). Moments, reductions and gradients in float.
struct bf16_by_chance {
    using stored                      = bf16;
    using computed                    = float;
    using master                      = bf16;
    static constexpr char const* name = "bf16_by_chance";
};

/// Everything in double: for checking gradients.
struct fp64 {
    using stored                      = double;
    using computed                    = double;
    using master                      = double;
    static constexpr char const* name = "fp64";
};

}  // namespace midtrain::inline MT_ABI
