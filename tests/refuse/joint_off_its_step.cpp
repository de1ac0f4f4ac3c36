// expect: the parts of the rate (warm-up, decay, joints) do not fit into the budget, or do not meet
#include <midtrain/annealing/like/hf.hpp>
#include <midtrain/annealing/like/hf_schedulers.hpp>
#include "recipe_parts.hpp"

// After 25 steps transformers' schedule is at three quarters of its peak, and not at a half.
constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 409'600_tok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::then{.first = mt::annealing::like::hf{.learning_rate = 1e-4, .max_steps = 100, .warmup_steps = 0, .scheduler = mt::annealing::like::hf_linear{}}, .until = 102'400_tok, .second = mt::cosine{.from = 5e-5, .to = 0}},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
