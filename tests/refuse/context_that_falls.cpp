// expect: the positions reach less far than those of the stage before
#include "recipe_parts.hpp"

constexpr auto stage(mt::short_name name, mt::index_t length) {
    return mt::stage{.name     = name,
                     .budget   = 1_Mtok,
                     .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                     .rate     = mt::constant{.peak = 1e-4},
                     .batch    = {.sequences = 8, .length = length},
                     .position = mt::rope{.base = 1e4, .length = length}};
}
constexpr auto recipe = mt::checked([] { return mt::recipe{.optimizer = mt::adamw{}, .stages = mt::stages{stage("long", 2048), stage("short", 512)}}; }, small{});
