// expect: midtrain: stage.position is not a PositionScalingPolicy
#include "recipe_parts.hpp"

struct cold {
    constexpr mt::index_t context() const { return 1024; }
    constexpr double      inverse_frequency(mt::index_t, mt::index_t, mt::index_t) const { return 1; }
    constexpr double      position(mt::index_t t) const { return double(t); }
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = cold{}}}};
}, small{});
