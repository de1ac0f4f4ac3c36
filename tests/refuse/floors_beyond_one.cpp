// expect: the floors of the mixture sum to more than one, or one is negative
#include "recipe_parts.hpp"
#include <midtrain/mixture/bounded.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::floored_mixture<sources>{.of = {.share = {.web = .75, .maths = .25}}, .floor = {.web = .7, .maths = .4}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
