// expect: the points of the mixture are none, or not in order within the budget
#include "recipe_parts.hpp"
#include <midtrain/mixture/path.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::path_mixture<sources>{.points = {{.at = 500_ktok, .share = {.web = .75, .maths = .25}}, {.at = 300_ktok, .share = {.web = .5, .maths = .5}}}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
