#include <boost/test/unit_test.hpp>
#include <midtrain/model/llama.hpp>
#include <support/family_laws.hpp>
#include <support/toggles.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(families)

BOOST_AUTO_TEST_CASE(llama) { test::keeps_all_laws<mt::model::llama>(mt::io::hf_model::llama); }

BOOST_AUTO_TEST_CASE(each_word_of_a_decoder_shows) {
    using config = mt::io::hf_config;
    config const plain{.path = {}, .layers = 2, .width = 20, .heads = 4, .kv_heads = 2, .head_size = 6, .ffn = 28, .vocab = 96, .context = 64,
                       .norm_epsilon = 1e-5};
    test::toggle const all[] = {
        {"tied", [](config& c) { c.tied = true; }},
        {"kv_heads", [](config& c) { c.kv_heads = 4; }},
        {"head_size", [](config& c) { c.head_size = 4; }},
        {"qkv_bias", [](config& c) { c.qkv_bias = true; }},
        {"out_bias", [](config& c) { c.out_bias = true; }},
        {"mlp_bias", [](config& c) { c.mlp_bias = true; }},
        {"qk_norm", [](config& c) { c.qk_norm = true; }},
        {"qk_norm behind the turning", [](config& c) { c.qk_norm = true, c.qk_norm_when = mt::norm_when::after_turning; }},
        {"qk_norm over all heads", [](config& c) { c.qk_norm = true, c.qk_norm_over = mt::norm_over::all; }},
        {"sinks", [](config& c) { c.sinks = true; }},
        {"gains about one", [](config& c) { c.gains = mt::norm_gain::one_plus; }},
        {"norms behind branches", [](config& c) { c.norms = mt::norm_place::after; }},
        {"norms on both sides", [](config& c) { c.norms = mt::norm_place::both; }},
        {"embedding_multiplier", [](config& c) { c.embedding_multiplier = 3; }},
        {"residual_multiplier", [](config& c) { c.residual_multiplier = 0.4; }},
        {"attention_multiplier", [](config& c) { c.attention_multiplier = 0.1; }},
        {"logits_multiplier", [](config& c) { c.logits_multiplier = 0.6; }},
        {"norm_epsilon", [](config& c) { c.norm_epsilon = 1e-2; }},
        {"rope_base", [](config& c) { c.rotary.base = 100; }},
        {"a part of each head turns", [](config& c) { c.rotary.part = 1.0 / 3; }},
        {"windows", [](config& c) { c.kinds = {{.window = 4}, {.window = 4}}; }},
        {"a window of one layer", [](config& c) { c.kinds = {{.window = 4}, {}}; }},
        {"windows turn by a base of their own", [](config& c) { c.kinds = {{.window = 4}, {}}, c.window_rope_base = 100; }},
        {"a layer turns nothing", [](config& c) { c.kinds = {{}, {.how = mt::positions::none}}; }},
        {"a layer fewer", [](config& c) { c.layers = 1; }},
    };
    test::each_shows<mt::model::llama>(plain, all);
}

BOOST_AUTO_TEST_SUITE_END()
