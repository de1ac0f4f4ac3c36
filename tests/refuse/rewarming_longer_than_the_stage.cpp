// expect: the parts of the rate (warm-up, decay, joints) do not fit into the budget, or do not meet
#include "recipe_parts.hpp"
#include <midtrain/annealing/warmup.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::warmed<mt::cosine>{.over = 1_Mtok, .policy = {.from = 1e-4, .to = 0}, .start = mt::inherit},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
