// expect: the ramp of the positions falls: slow must be above zero and below fast
#include "recipe_parts.hpp"

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "long",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 1024},
                                                       .position = mt::by_parts{.base = 1e4, .trained = 1024, .extended = 4096, .fast = 1, .slow = 32}}}};
}, small{});
