// expect: a weight changes exponentially from zero or to zero, which no ratio does: take linear or cosine
#include "recipe_parts.hpp"

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::annealed_mixture<sources>{.from  = {.web = 1, .maths = 0},
                                                                    .to    = {.web = .5, .maths = .5},
                                                                    .shape = mt::transition::exponential},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
