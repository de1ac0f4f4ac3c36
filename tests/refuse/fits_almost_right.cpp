// expect: midtrain: stage.rate has a member fits, but not  bool fits(tokens budget) const
#include "recipe_parts.hpp"

struct almost {
    constexpr double rate(mt::progress) const { return 1e-4; }
    constexpr double fits(mt::tokens) const { return 1; }
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = almost{},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
