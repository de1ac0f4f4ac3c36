// expect: the numbers of what a layer does to its scores make no sense
#include "recipe_parts.hpp"
#include <midtrain/position/logn.hpp>

struct trained_on_nothing : small {
    static constexpr mt::logn scores(int) { return {.trained = 1}; }
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, trained_on_nothing{});
