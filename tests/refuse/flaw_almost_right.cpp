// expect: midtrain: stage.mixture has a member flaw, but not  mixture_flaw flaw(progress end) const
#include "recipe_parts.hpp"

struct almost : mt::fixed_mixture<sources> {
    constexpr almost() : mt::fixed_mixture<sources>{.share = {.web = .5, .maths = .5}} {}
    constexpr bool flaw(mt::tokens) const { return false; }
};
constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = almost{},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024}}}};
}, small{});
