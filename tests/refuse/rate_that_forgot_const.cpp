// expect: midtrain: stage.rate is not an AnnealingPolicy: it needs  double rate(progress) const.
#include "recipe_parts.hpp"

struct forgetful {
    constexpr double rate(mt::progress) { return 1e-4; }
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = forgetful{},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
