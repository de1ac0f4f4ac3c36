// expect: the mixture switches outside the stage: it must be after the first token and before the last one
#include "recipe_parts.hpp"

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::staged_mixture<sources>{.first = {.web = .75, .maths = .25}, .until = 2_Mtok, .then = {.web = .5, .maths = .5}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
