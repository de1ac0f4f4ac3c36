// expect: a frequency of the positions is negative or not a number, or rises with the pair
#include "recipe_parts.hpp"

struct backwards {
    mt::index_t length;
    constexpr mt::index_t context() const { return length; }
    constexpr double      inverse_frequency(mt::index_t pair, mt::index_t, mt::index_t) const { return 0.1 * static_cast<double>(pair + 1); }
    constexpr double      position(mt::index_t t) const { return static_cast<double>(t); }
    constexpr double      temperature(mt::index_t) const { return 1.0; }
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "long",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 1024},
                                                       .position = backwards{.length = 1024}}}};
}, small{});
