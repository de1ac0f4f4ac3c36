// expect: the parts of the rate (warm-up, decay, joints) do not fit into the budget, or do not meet
#include "recipe_parts.hpp"
#include <midtrain/annealing/like/megatron.hpp>

// Megatron-LM asserts that the warm-up is shorter than the whole schedule.
constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::like::megatron{.lr = 1e-4, .seq_length = 512, .global_batch_size = 8,
                                                                                      .lr_decay_iters = 200, .lr_warmup_iters = 200},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
