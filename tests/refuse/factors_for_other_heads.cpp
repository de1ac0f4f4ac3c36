// expect: the lists of LongRoPE do not have one factor above zero for each pair of a head
#include "recipe_parts.hpp"

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "long",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 1024},
                                                       .position = mt::longrope{.base = 1e4, .trained = 512, .extended = 1024, .long_factor = {1, 1.5, 2}}}}};
}, small{});
