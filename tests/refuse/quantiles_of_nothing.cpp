// expect: quantiles lie between 0 and 1 and hold something
#include "recipe_parts.hpp"
#include <midtrain/mixture/by_score.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024},
                                                       .order    = mt::by_score{.from = {.5, .5}, .to = {0, 1}}}}};
}, small{});
