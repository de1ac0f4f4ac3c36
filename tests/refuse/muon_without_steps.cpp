// expect: a number of the optimizer cannot be
#include "recipe_parts.hpp"
#include <midtrain/optim/muon.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::muon{.steps = 0},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
