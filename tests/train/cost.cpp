#include <boost/test/unit_test.hpp>
#include <midtrain/io/hf_shape.hpp>
#include <midtrain/model/expert_family.hpp>
#include <midtrain/model/llama.hpp>
#include <midtrain/model/mamba.hpp>
#include <midtrain/model/trainable.hpp>
#include <midtrain/model/zamba.hpp>
#include <midtrain/precision/precision.hpp>
#include <midtrain/train/cost_of_token.hpp>

namespace mt = midtrain;

namespace {

template <class Family>
double cost(mt::io::hf_config const& shape, mt::index_t length) {
    mt::counting_device nobody;
    return mt::cost_of_token(mt::trainable<mt::counting_device, Family, mt::io::hf_config, mt::fp32>(nobody, shape), length);
}

mt::io::hf_config const plain{.path = {}, .layers = 2, .width = 8, .heads = 2, .kv_heads = 1, .head_size = 4, .ffn = 10, .vocab = 20, .context = 64};
// Of a layer: queries, keys and values, what projects out, an MLP and two norms.
constexpr double attention = 8 * (8 + 4 + 4) + 8 * 8, mlp = 3 * 8 * 10, norms = 2 * 8;
// The head, and the norm before it.
constexpr double rest = 20 * 8 + 8;

}  // namespace

BOOST_AUTO_TEST_SUITE(costs)

BOOST_AUTO_TEST_CASE(of_a_decoder) {
    double const weights = 2 * (attention + mlp + norms) + rest;
    BOOST_TEST(cost<mt::model::llama>(plain, 32) == 6 * weights + 2 * 12 * 2 * 4 * 16);
    auto tied = plain;
    tied.tied = true;
    BOOST_TEST(cost<mt::model::llama>(tied, 32) == 6 * weights + 2 * 12 * 2 * 4 * 16);
    // Behind the window's length a query sees 8 keys, and before it 4 on average.
    auto windows  = plain;
    windows.kinds = {{.window = 8}, {}};
    BOOST_TEST(cost<mt::model::llama>(windows, 32) == 6 * weights + 12 * 2 * 4 * (7 + 16));
}
BOOST_AUTO_TEST_CASE(of_experts_are_those_that_a_token_meets) {
    auto shape    = plain;
    shape.experts = {.count = 6, .chosen = 2, .ffn = 5, .shared_ffn = 7, .first_dense = 1};
    double const expert_layer = 2 * 3 * 8 * 5 + 3 * 8 * 7 + 6 * 8;
    BOOST_TEST(cost<mt::model::expert_decoder>(shape, 32) == 6 * (2 * (attention + norms) + mlp + expert_layer + rest) + 2 * 12 * 2 * 4 * 16);
}
BOOST_AUTO_TEST_CASE(of_state_spaces_do_not_grow_with_length) {
    auto shape  = plain;
    shape.state = {.states = 4, .taps = 3, .inner = 16, .rank = 2};
    double const mixer = 8 * 32 + 16 * 3 + 16 + 16 * (2 + 2 * 4) + 2 * 16 + 16 + 16 * 4 + 16 + 16 * 8 + 8;
    BOOST_TEST(cost<mt::model::mamba>(shape, 32) == 6 * (2 * mixer + rest) + 24 * 2 * 16 * 4);
    BOOST_TEST(cost<mt::model::mamba>(shape, 64) == cost<mt::model::mamba>(shape, 32));
}
BOOST_AUTO_TEST_CASE(of_a_shared_block_count_where_it_stands) {
    auto shape    = plain;
    shape.layers  = 3;
    shape.state   = {.states = 4, .taps = 3, .inner = 16, .rank = 2};
    shape.hybrids = {true, false, false};
    double const once = cost<mt::model::zamba>(shape, 32);
    shape.hybrids = {true, false, true};
    double const shared = 16 * 16 + 8 * 8 + 3 * 8 * 10, own = 8 * 8;  // the block's matrices, and those that a layer has for itself
    BOOST_TEST(cost<mt::model::zamba>(shape, 32) - once == 6 * (shared + own) + 12 * 2 * 4 * 16);
}

BOOST_AUTO_TEST_SUITE_END()
