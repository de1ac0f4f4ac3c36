// expect: a sentinel token of fim is outside the vocabulary
#include "recipe_parts.hpp"

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024},
                                                       .fim      = {.rate = .5, .prefix = 253, .suffix = 254, .middle = 256}}}};
}, small{});
