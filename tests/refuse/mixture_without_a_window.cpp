// expect: a mixture that looks back holds its weights for at least one step
#include "recipe_parts.hpp"
#include <midtrain/mixture/odm.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::odm_mixture<sources>{.prior = {.web = .5, .maths = .5}, .hold = 0},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
