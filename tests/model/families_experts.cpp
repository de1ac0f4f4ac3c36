#include <boost/test/unit_test.hpp>
#include <midtrain/model/expert_family.hpp>
#include <support/family_laws.hpp>
#include <support/toggles.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(families)

BOOST_AUTO_TEST_CASE(experts) { test::keeps_all_laws<mt::model::expert_decoder>(mt::io::hf_model::experts); }

BOOST_AUTO_TEST_CASE(each_word_of_experts_shows) {
    using config = mt::io::hf_config;
    config const plain{.path = {}, .layers = 2, .width = 20, .heads = 4, .kv_heads = 2, .head_size = 6, .ffn = 28, .vocab = 96, .context = 64,
                       .norm_epsilon = 1e-5, .experts = {.count = 6, .chosen = 2, .ffn = 12}};
    test::toggle const all[] = {
        {"count", [](config& c) { c.experts.count = 4; }},
        {"chosen", [](config& c) { c.experts.chosen = 3; }},
        {"shared_ffn", [](config& c) { c.experts.shared_ffn = 14; }},
        {"shared_gate", [](config& c) { c.experts.shared_ffn = 14, c.experts.shared_gate = true; }},
        {"sigmoid", [](config& c) { c.experts.scores = mt::router_scores::sigmoid; }},
        {"renormalise", [](config& c) { c.experts.renormalise = true; }},
        {"scale", [](config& c) { c.experts.scale = 2.5; }},
        {"scaled", [](config& c) { c.experts.scaled = true; }},
        {"biased", [](config& c) { c.experts.biased = true; }},
        {"the best groups", [](config& c) { c.experts.grouping = mt::expert_groups::best, c.experts.groups = 3; }},
        {"more of the best groups",
         [](config& c) { c.experts.grouping = mt::expert_groups::best, c.experts.groups = 3, c.experts.top_groups = 2; }},
        {"each group", [](config& c) { c.experts.grouping = mt::expert_groups::each, c.experts.groups = 2; }},
        {"first_dense", [](config& c) { c.experts.first_dense = 1; }},
        {"every", [](config& c) { c.experts.every = 2, c.experts.renormalise = true; }},
    };
    test::each_shows<mt::model::expert_decoder>(plain, all);
}

BOOST_AUTO_TEST_SUITE_END()
