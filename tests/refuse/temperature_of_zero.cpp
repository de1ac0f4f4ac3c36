// expect: a size, factor, temperature, step size or number of epochs of the mixture is not above zero
#include "recipe_parts.hpp"
#include <midtrain/mixture/by_size.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::tempered_mixture<sources>{.sizes = {.web = 100_Mtok, .maths = 50_Mtok}, .temperature = 0},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
