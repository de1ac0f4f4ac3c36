#pragma once
#include <cstdint>
#include <midtrain/config.hpp>

namespace midtrain::inline MT_ABI {

/// The numbers of one optimizer step. They lie in one device struct whose address the functors hold, so that a captured
/// launch stays true from step to step.
struct step_scalars {
    double       rate        = 0;
    double       clip_factor = 1;  ///< gradients are multiplied by this
    double       clip_limit  = 0;  ///< global norm from which the factor is found on the device (optim/settle_step.hpp); 0: it stays 1
    std::int64_t applies     = 1;  ///< 0: weights and slots stay as they are
    double       decay_factor = 1; ///< and the weight decay by this
    std::int64_t step        = 1;  ///< from 1
    double       correction1 = 1;  ///< 1 - beta1^step, filled by the optimizer
    double       correction2 = 1;  ///< 1 - beta2^step
    std::uint64_t seed       = 0;  ///< of rounding by chance, where the precision has it
};

}  // namespace midtrain::inline MT_ABI
