// expect: the position policy has a member rotary_width, but not  index_t rotary_width(index_t head_size) const
#include "recipe_parts.hpp"

struct half : mt::rope {
    constexpr double rotary_width(mt::index_t head_size) const { return 0.5 * static_cast<double>(head_size); }
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "long",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 1024},
                                                       .position = half{{.base = 1e4, .length = 1024}}}}};
}, small{});
