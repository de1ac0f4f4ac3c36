// expect: the part of a head that turns is not an even number of values
#include "recipe_parts.hpp"
#include <midtrain/position/partial.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "long",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 1024},
                                                       .position = mt::partial{.share = 0.2, .policy = mt::rope{.base = 1e4, .length = 1024}}}}};
}, small{});
