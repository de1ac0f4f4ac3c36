// expect: midtrain: recipe.rates is no RoleRates: it needs  double factor(role, index_t rows, index_t columns) const.
#include "recipe_parts.hpp"

struct by_name {
    constexpr double factor(char const*) const { return 1; }
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}},
                      .rates     = by_name{}};
}, small{});
