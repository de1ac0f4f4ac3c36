// expect: the sources have fewer tokens than the budget within their caps
#include "recipe_parts.hpp"
#include <midtrain/mixture/by_size.hpp>

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::unimax_mixture<sources>{.sizes = {.web = 100_ktok, .maths = 50_ktok}, .epochs = 4},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
