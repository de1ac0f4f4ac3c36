#include <boost/test/unit_test.hpp>
#include <midtrain/model/mamba.hpp>
#include <midtrain/model/mamba2.hpp>
#include <midtrain/model/zamba.hpp>
#include <support/family_laws.hpp>
#include <support/toggles.hpp>

namespace mt = midtrain;

BOOST_AUTO_TEST_SUITE(families)

BOOST_AUTO_TEST_CASE(mamba) { test::keeps_all_laws<mt::model::mamba>(mt::io::hf_model::mamba); }
BOOST_AUTO_TEST_CASE(mamba2) { test::keeps_all_laws<mt::model::mamba2>(mt::io::hf_model::mamba2); }
BOOST_AUTO_TEST_CASE(zamba) { test::keeps_all_laws<mt::model::zamba>(mt::io::hf_model::zamba); }

BOOST_AUTO_TEST_CASE(each_word_of_a_state_space_shows) {
    using config = mt::io::hf_config;
    config const plain{.path = {}, .layers = 3, .width = 20, .heads = 4, .kv_heads = 2, .head_size = 6, .ffn = 28, .vocab = 96, .context = 64,
                       .norm_epsilon = 1e-5, .state = {.states = 8, .taps = 4, .inner = 40, .rank = 3}};
    test::toggle const of_mamba[] = {
        {"tied", [](config& c) { c.tied = true; }},
        {"norm_epsilon", [](config& c) { c.norm_epsilon = 1e-2; }},
        {"states", [](config& c) { c.state.states = 9; }},
        {"taps", [](config& c) { c.state.taps = 3; }},
        {"channels", [](config& c) { c.state.inner = 44; }},
        {"rank", [](config& c) { c.state.rank = 4; }},
        {"bias", [](config& c) { c.state.bias = true; }},
        {"no bias of the convolution", [](config& c) { c.state.convolution_bias = false; }},
        {"across documents", [](config& c) { c.state.across_documents = true; }},
    };
    test::each_shows<mt::model::mamba>(plain, of_mamba);
    auto two       = plain;
    two.state.rank = 0, two.state.rates = 4;
    test::toggle const of_mamba2[] = {
        {"states", [](config& c) { c.state.states = 9; }},
        {"taps", [](config& c) { c.state.taps = 3; }},
        {"heads of a rate", [](config& c) { c.state.rates = 8; }},
        {"groups", [](config& c) { c.state.heads = 2; }},
        {"bias", [](config& c) { c.state.bias = true; }},
        {"no bias of the convolution", [](config& c) { c.state.convolution_bias = false; }},
        {"across documents", [](config& c) { c.state.across_documents = true; }},
    };
    test::each_shows<mt::model::mamba2>(two, of_mamba2);
    auto shared    = plain;
    shared.hybrids = {false, true, false};
    test::toggle const of_zamba[] = {
        {"heads that select", [](config& c) { c.state.heads = 2; }},
        {"another layer is hybrid", [](config& c) { c.hybrids = {true, false, false}; }},
        {"two layers are hybrid", [](config& c) { c.hybrids = {false, true, true}; }},
        {"kv_heads", [](config& c) { c.kv_heads = 4; }},
        {"ffn", [](config& c) { c.ffn = 30; }},
    };
    test::each_shows<mt::model::zamba>(shared, of_zamba);
}

BOOST_AUTO_TEST_SUITE_END()
