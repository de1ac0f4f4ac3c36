#include <boost/test/unit_test.hpp>
#include <midtrain/model/deepseek_v3.hpp>
#include <support/family_laws.hpp>
#include <support/toggles.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(families)

BOOST_AUTO_TEST_CASE(deepseek_v3) { test::keeps_all_laws<mt::model::deepseek_v3>(mt::io::hf_model::deepseek_v3); }

BOOST_AUTO_TEST_CASE(each_word_of_latent_attention_shows) {
    using config = mt::io::hf_config;
    config const plain{.path = {}, .layers = 2, .width = 20, .heads = 5, .kv_heads = 5, .head_size = 4, .ffn = 28, .vocab = 96, .context = 64,
                       .norm_epsilon = 1e-5, .latent = {.query_rank = 8, .rank = 7, .still = 6, .value_size = 5}};
    test::toggle const all[] = {
        {"query_rank", [](config& c) { c.latent.query_rank = 9; }},
        {"queries from the residual stream", [](config& c) { c.latent.query_rank = 0; }},
        {"rank", [](config& c) { c.latent.rank = 8; }},
        {"still", [](config& c) { c.latent.still = 4; }},
        {"value_size", [](config& c) { c.latent.value_size = 7; }},
        {"pairs of halves", [](config& c) { c.latent.pairs_side_by_side = false; }},
        {"norm_epsilon of latents", [](config& c) { c.latent.norm_epsilon = 1e-2; }},
    };
    test::each_shows<mt::model::deepseek_v3>(plain, all);
}

BOOST_AUTO_TEST_SUITE_END()
