// expect: a share of the mixture (replay, candidate, smoothing, memory, fallen_to) is not between 0 and 1
#include "recipe_parts.hpp"
#include <midtrain/mixture/replay.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::replay_mixture<sources>{.fresh = {.share = {.web = .75, .maths = .25}}, .old = {.web = .5, .maths = .5}, .share = 5},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
