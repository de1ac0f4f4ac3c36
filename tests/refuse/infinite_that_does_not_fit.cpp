// expect: the parts of the rate (warm-up, decay, joints) do not fit into the budget, or do not meet
#include "recipe_parts.hpp"
#include <midtrain/annealing/infinite.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::infinite{.peak = 1e-4, .held = 5e-5, .floor = 1e-6, .fall = 600_ktok, .decay = 500_ktok},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
