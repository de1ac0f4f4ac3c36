// expect: stage.order is not an OrderPolicy
#include "recipe_parts.hpp"

struct longest_first {
    constexpr std::size_t buckets() const { return 1; }
    constexpr std::size_t bucket_of(mt::document_facts const&) const { return 0; }
    constexpr double      share(std::size_t, mt::progress) const { return 1; }
    constexpr bool        is_for(std::string_view) const { return true; }
};

constexpr auto recipe = mt::checked([] {
    return mt::recipe{.optimizer = mt::adamw{},
                      .stages    = mt::stages{mt::stage{.name     = "anneal",
                                                       .budget   = 1_Mtok,
                                                       .mixture  = mt::fixed_mixture<sources>{.share = {.web = .75, .maths = .25}},
                                                       .rate     = mt::linear{.from = 1e-4, .to = 0},
                                                       .batch    = {.sequences = 8, .length = 512},
                                                       .position = mt::rope{.base = 1e4, .length = 1024},
                                                       .order    = longest_first{}}}};
}, small{});
