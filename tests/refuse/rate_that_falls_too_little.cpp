// expect: the mixture switches outside the stage: it must be after the first token and before the last one
#include "recipe_parts.hpp"
#include <midtrain/mixture/staged.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::staged_by_rate<sources>{.first = {.web = .75, .maths = .25}, .fallen_to = .2, .then = {.web = .5, .maths = .5}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 5e-5},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
