// expect: stage.position is a DistancePolicy
#include "recipe_parts.hpp"
#include <midtrain/position/dual_chunk.hpp>


constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::dual_chunk{.chunk = 1024, .local = 128}}}};
}, small{});
