// expect: a source is drawn past its cap over all stages: say in used what earlier stages take, or allow more
#include "recipe_parts.hpp"
#include <midtrain/mixture/bounded.hpp>

// Each stage takes 500 ktok of maths, and 150 ktok four times are 600.
constexpr mt::capped_mixture<sources> capped{
    .of = {.share = {.web = .5, .maths = .5}}, .sizes = {.web = 10_Mtok, .maths = 150_ktok}, .epochs = {.web = 1, .maths = 4}};
constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = capped,
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}},
                                               mt::stage{.name     = "more",
                                                         .budget   = 1_Mtok,
                                                         .mixture  = capped,
                                                         .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                         .batch    = {.sequences = 8, .length = 512},
                                                         .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
