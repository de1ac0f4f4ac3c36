// expect: a layer takes keys and values that it cannot have
#include "recipe_parts.hpp"

struct chained : small {
    static constexpr int            layers = 3;
    static constexpr mt::layer_kind layer(int n) { return {.keys_from = n - 1}; }
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, chained{});
